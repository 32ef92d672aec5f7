package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
)

type tokenCommand struct {
	Explain tokenExplainCommand `cmd:"" help:"${token_explain}"`
}

type tokenExplainCommand struct{ configFlags }

// inputBytesMax is how much is read of standard input: more than any token that is taken.
const inputBytesMax = 64 << 10

// errNotTaken ends the command where the token is not taken, after why has been printed.
var errNotTaken = errors.New("the JWT is not taken")

// Run says what becomes of the JWT on standard input. It prints no JWT and no secret. It fails
// where the JWT is not taken.
func (c *tokenExplainCommand) Run() error {
	input, err := io.ReadAll(io.LimitReader(os.Stdin, inputBytesMax))
	if err != nil {
		return err
	}
	token := strings.TrimSpace(string(input))
	if scheme, rest, is := strings.Cut(token, " "); is && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest) // as it is in a header
	}
	if token == "" {
		return errors.New("there is no JWT on standard input")
	}
	cfg, err := c.load(c.source())
	if err != nil {
		return err
	}
	r, err := app.ExplainToken(context.Background(), cfg, token, time.Now())
	if err != nil {
		return err
	}
	if !cfg.Auth.Enabled {
		fmt.Fprintln(os.Stderr, "warning: authentication is off (auth.enabled), "+
			"and no JWT is looked at")
	}
	return printReport(os.Stdout, &r)
}

// printReport prints a line for each check, and what the token makes of its user.
func printReport(w io.Writer, r *app.TokenReport) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.Passed {
		fmt.Fprintf(t, "%s\tpassed\n", c)
	}
	if f := r.Failed; f != nil {
		fmt.Fprintf(t, "%s\tfailed: %s\n", f.Check, f.Message)
		if r.Wanted != "" {
			fmt.Fprintf(t, "\tthe configuration has %s\n", r.Wanted)
		}
		for _, err := range r.Unread {
			fmt.Fprintf(t, "\t%v\n", err)
		}
		return errors.Join(t.Flush(), errNotTaken)
	}
	fmt.Fprintf(t, "\nissuer\t%s\nuser\t%q\n", r.Taken.Issuer, r.Taken.User)
	if r.Taken.Tenant != "" {
		fmt.Fprintf(t, "tenant\t%q\n", r.Taken.Tenant)
	}
	fmt.Fprintf(t, "roles\t%s\n", r.Taken.Roles)
	if r.Taken.Reach != nil {
		fmt.Fprintf(t, "models\t%q\n", r.Taken.Reach.Models())
	}
	fmt.Fprintf(t, "until\t%s\n", r.Taken.Until.UTC().Format(time.RFC3339))
	return t.Flush()
}
