package registry

import (
	"context"
	"time"
)

// Replica is a gateway that follows the registry, and what it has applied.
type Replica struct {
	ID      string
	Applied int64     // the number of a revision
	Seen    time.Time // when it last said so, by the store's clock
}

// Replicas keeps what each replica has applied. It never touches the revision. It is safe for
// concurrent use.
type Replicas interface {
	// Report keeps what a replica has applied, and drops those that were not heard for long.
	Report(ctx context.Context, id string, applied int64) error
	// Leave drops a replica.
	Leave(ctx context.Context, id string) error
	// Replicas returns those that were heard lately, in the order of their ids.
	Replicas(ctx context.Context) ([]Replica, error)
}

const (
	// reportInterval is how often a replica says what it has applied, where that is what it has
	// said. What is new is told with the next look.
	reportInterval = 5 * time.Second
	// lookInterval is how often a replica looks whether it has applied more, and how often
	// whoever waits for replicas asks for them.
	lookInterval  = 100 * time.Millisecond
	reportTimeout = 2 * time.Second
	pauseMax      = 30 * time.Second
)

// SeenFor is how long a replica counts after it was last heard.
const SeenFor = 3 * reportInterval

// Report tells r what a replica has applied until ctx ends, and that it has left then. It writes
// at most once each 100 ms, and only what is new or older than 5 s. applied is asked for it. A
// store that fails is asked again after a second, and at last each 30 s: whoever may only read it
// fails for ever.
func Report(ctx context.Context, r Replicas, id string, applied func() int64) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	p := reporter{r: r, id: id}
	for {
		p.report(ctx, applied(), time.Now())
		select {
		case <-ctx.Done():
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTimeout)
			defer cancel()
			_ = r.Leave(leaving, id) // else it is dropped when it was not heard for long
			return
		case <-tick.C:
		}
	}
}

// reporter is what Report remembers.
type reporter struct {
	r      Replicas
	id     string
	told   int64         // what was told last
	at     time.Time     // when; zero: nothing was
	pause  time.Duration // after the last failure; 0: there was none
	resume time.Time     // when that is over
}

// report tells what is applied at now, where that is due.
func (p *reporter) report(ctx context.Context, applied int64, now time.Time) {
	due := p.at.IsZero() || applied != p.told || now.Sub(p.at) >= reportInterval
	if !due || now.Before(p.resume) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	if p.r.Report(ctx, p.id, applied) == nil {
		p.told, p.at, p.pause = applied, now, 0
		return
	}
	p.pause = min(max(time.Second, 2*p.pause), pauseMax)
	p.resume = now.Add(p.pause)
}

// AwaitApplied waits until all replicas that were heard lately have applied a revision, and
// returns them. Where ctx ends before, it returns them as they are, and false. Where there is
// none, nobody has applied it.
func AwaitApplied(
	ctx context.Context, r Replicas, revision int64,
) (all []Replica, everywhere bool, err error) {
	// The last question is asked with another context, so that there is an answer.
	asking := context.WithoutCancel(ctx)
	for {
		if all, err = r.Replicas(asking); err != nil {
			return nil, false, err
		}
		if appliedBy(all, revision) {
			return all, true, nil
		}
		select {
		case <-ctx.Done():
			return all, false, nil
		case <-time.After(lookInterval):
		}
	}
}

// appliedBy reports whether there are replicas, and all have applied a revision.
func appliedBy(all []Replica, revision int64) bool {
	for _, r := range all {
		if r.Applied < revision {
			return false
		}
	}
	return len(all) > 0
}
