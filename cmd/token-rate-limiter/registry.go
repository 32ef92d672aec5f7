package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// registryTimeout bounds the work on the control database.
const registryTimeout = 10 * time.Second

// registryFlags say which control database is worked on: that of the configuration.
type registryFlags struct {
	configFlags
	Reason string `placeholder:"TEXT" help:"${reason}"`
}

// with has work done on the control database.
func (f registryFlags) with(work func(context.Context, registry.Store) error) error {
	cfg, err := f.load(f.source())
	if err != nil {
		return err
	}
	d, err := app.OpenRegistry(cfg)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(context.Background(), registryTimeout)
	defer cancel()
	return work(ctx, d)
}

// act says who makes a change: whoever runs the command on this machine.
func (f registryFlags) act() registry.Act {
	a := registry.Act{Actor: "unknown", Credential: "command line", Reason: f.Reason}
	if u, err := user.Current(); err == nil {
		a.Actor = u.Username
	}
	return a
}

// secretFlags say where a new secret goes.
type secretFlags struct {
	SecretFile string `placeholder:"FILE" help:"${secret_file}"`
}

// open returns what writes the secret where it is wanted. What cannot be written is told before
// anything is changed.
func (f secretFlags) open() (func(secret string) error, error) {
	if f.SecretFile == "" {
		return func(secret string) error {
			_, err := fmt.Println(secret)
			return err
		}, nil
	}
	file, err := os.OpenFile(f.SecretFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	return func(secret string) error {
		_, err := fmt.Fprintln(file, secret)
		return errors.Join(err, file.Close())
	}, nil
}

// deliver has change keep a new secret, and writes it. Where nothing was kept, no file is left.
func (f secretFlags) deliver(change func(h registry.Hash) (registry.Key, error)) error {
	write, err := f.open()
	if err != nil {
		return err
	}
	secret := registry.NewSecret()
	k, err := change(registry.HashOf(secret))
	if err != nil {
		if f.SecretFile != "" {
			err = errors.Join(err, os.Remove(f.SecretFile))
		}
		return err
	}
	fmt.Fprintf(os.Stderr, "the key %s of %s is good from now on; "+
		"its secret is not shown again\n", k.ID, k.User)
	return write(secret)
}

type auditCommand struct {
	List   auditListCommand   `cmd:"" help:"${audit_list}"`
	Verify auditVerifyCommand `cmd:"" help:"${audit_verify}"`
}

type auditListCommand struct {
	registryFlags
	After int64 `placeholder:"N" help:"${audit_after}"`
	Limit int   `default:"100" placeholder:"N" help:"${audit_limit}"`
	JSON  bool  `help:"Print a line of JSON for each."`
}

// Run prints records of the audit.
func (c *auditListCommand) Run() error {
	return c.with(func(ctx context.Context, d registry.Store) error {
		list, err := d.Audit(ctx, c.After, max(0, c.Limit))
		if err != nil {
			return err
		}
		if c.JSON {
			return printLines(os.Stdout, list)
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "REVISION\tAT\tACTOR\tACTION\tOBJECT\tREASON")
		for _, r := range list {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%q\n",
				r.Revision, r.At.Format(time.RFC3339), r.Actor, r.Action, r.Object, r.Reason)
		}
		return t.Flush()
	})
}

type auditVerifyCommand struct{ registryFlags }

// auditPage is how many records are checked at once.
const auditPage = 1000

// Run checks that no record was changed, taken out or put elsewhere.
func (c *auditVerifyCommand) Run() error {
	return c.with(func(ctx context.Context, d registry.Store) error {
		var last registry.Record
		for n := int64(0); ; {
			list, err := d.Audit(ctx, last.Revision, auditPage)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				fmt.Printf("%d records are as they were written\n", n)
				return nil
			}
			if err := registry.Verify(last, list); err != nil {
				return err
			}
			n, last = n+int64(len(list)), list[len(list)-1]
		}
	})
}

// printLines prints each of a list as a line of JSON.
func printLines[T any](w io.Writer, list []T) error {
	for i := range list {
		b, err := json.Marshal(list[i])
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", b); err != nil {
			return err
		}
	}
	return nil
}
