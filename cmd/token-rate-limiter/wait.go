package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// patience is for how long a command waits until its change is everywhere; 0: it does not wait.
type patience time.Duration

// patienceUsual is that of --wait without a time.
const patienceUsual = patience(30 * time.Second)

// IsBool lets --wait stand without a value, which is written behind "=".
func (*patience) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (p *patience) Decode(ctx *kong.DecodeContext) error {
	*p = patienceUsual
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time to wait: write one such as 30s", text)
	}
	*p = patience(d)
	return nil
}

// everywhere waits until every replica that was heard lately has applied a revision, which is
// that of a change that is made. Where that takes too long it says which have not.
func (p patience) everywhere(ctx context.Context, r registry.Replicas, revision int64) error {
	if p == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p))
	defer cancel()
	all, everywhere, err := registry.AwaitApplied(ctx, r, revision)
	switch made := fmt.Sprintf("the change is made (revision %d)", revision); {
	case err != nil:
		return fmt.Errorf("%s, and which gateways have applied it is not known: %w", made, err)
	case len(all) == 0:
		return fmt.Errorf("%s, and within %v no gateway has told that it has applied it: "+
			"is one running on this control database?", made, time.Duration(p))
	case !everywhere:
		return fmt.Errorf("%s, and after %v not everywhere: %s: "+
			"look at the log of that gateway; until then it goes by what was before",
			made, time.Duration(p), behind(all, revision))
	}
	fmt.Fprintf(os.Stderr, "gateways that have applied it: %d, which are all\n", len(all))
	return nil
}

// behind says which of the replicas have not applied a revision.
func behind(all []registry.Replica, revision int64) string {
	var late []string
	for _, r := range all {
		if r.Applied < revision {
			late = append(late, fmt.Sprintf("%s has applied %d", r.ID, r.Applied))
		}
	}
	return strings.Join(late, ", ")
}
