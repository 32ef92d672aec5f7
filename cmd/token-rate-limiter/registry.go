package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// registryFlags say which control database is worked on: that of the configuration.
type registryFlags struct{ configFlags }

// writeFlags are those of what changes something.
type writeFlags struct {
	registryFlags
	Reason string   `placeholder:"TEXT" help:"${reason}"`
	Wait   patience `help:"${wait}"`
}

// work is done on the control database, whose every call has a bound of its own.
type work func(context.Context, registry.Store) error

// change has something changed by do, which returns the revision of that, and waits until it is
// everywhere, where that is asked for.
func (f writeFlags) change(do func(context.Context, registry.Store) (int64, error)) error {
	return f.open(app.OpenRegistry, func(ctx context.Context, d registry.Store) error {
		revision, err := do(ctx, d)
		if err != nil {
			return err
		}
		return f.Wait.everywhere(ctx, d, revision)
	})
}

// look has work done that changes nothing.
func (f registryFlags) look(do work) error { return f.open(app.ReadRegistry, do) }

func (f registryFlags) open(
	how func(*config.Config) (registry.Store, error), do work,
) error {
	cfg, err := f.load(f.source())
	if err != nil {
		return err
	}
	d, err := how(cfg)
	if err != nil {
		return err
	}
	defer d.Close()
	return do(context.Background(), d)
}

// write says who makes a change: whoever runs the command on this machine.
func (f writeFlags) write() registry.Write {
	a := registry.Act{Actor: "unknown", Credential: "command line", Reason: f.Reason}
	if u, err := user.Current(); err == nil {
		a.Actor = u.Username
	}
	return registry.Write{Act: a}
}

type auditCommand struct {
	List   auditListCommand   `cmd:"" help:"${audit_list}"`
	Verify auditVerifyCommand `cmd:"" help:"${audit_verify}"`
}

type auditListCommand struct {
	registryFlags
	outputFlags
	Order string `enum:",oldest,newest" default:"" placeholder:"ORDER" help:"${audit_order}"`
	After *int64 `placeholder:"N" help:"${audit_after}"`
	Limit int    `default:"100" placeholder:"N" help:"${audit_limit}"`
	JSON  bool   `help:"Print a line of JSON for each."`
}

// query returns which records are asked for. Without an order those are the ones after a revision,
// or else the last ones.
func (c *auditListCommand) query() registry.AuditQuery {
	q := registry.AuditQuery{Limit: max(0, c.Limit)}
	q.Newest = c.Order == "newest" || c.Order == "" && c.After == nil
	switch {
	case c.After == nil:
	case q.Newest:
		q.Before = max(1, *c.After) // 0 would be all, and there is nothing before the first
	default:
		q.After = *c.After
	}
	return q
}

// Run prints records of the audit.
func (c *auditListCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		list, err := d.Audit(ctx, c.query())
		if err != nil {
			return err
		}
		if c.Order == "" && c.After == nil { // the last ones are read from their end
			slices.Reverse(list)
		}
		if c.JSON {
			return printLines(os.Stdout, list)
		}
		if !c.isTable() {
			return c.print(list)
		}
		t := newTable()
		fmt.Fprintln(t, "REVISION\tAT\tACTOR\tACTION\tOBJECT\tREASON")
		for _, r := range list {
			fmt.Fprintf(t, "%d\t%s\t%q\t%s\t%s\t%q\n",
				r.Revision, r.At.Format(time.RFC3339), r.Actor, r.Action, r.Object, r.Reason)
		}
		return t.Flush()
	})
}

type auditVerifyCommand struct{ registryFlags }

// Run checks that no record was changed, taken out or put elsewhere, and that the last one is
// of the last change. Its sum is what to keep elsewhere.
func (c *auditVerifyCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		last, err := registry.VerifyStore(ctx, d)
		if err != nil {
			return err
		}
		fmt.Printf("%d records are as they were written; the sum of the last is %s\n",
			last.Revision, last.Sum)
		return nil
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
