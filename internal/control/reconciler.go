package control

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// Options of a Reconciler. All but Files and Sources are required.
type Options struct {
	// Config is what Files said at the start.
	Config *config.Config
	// Files is read again; nil: never.
	Files *Files
	// Sources are what is laid over Config, in their order.
	Sources []Source
	// Apply makes a state what is served, or fails and changes nothing. It returns settings
	// that have changed and take effect at the next start only.
	Apply func(State) (atStart []string, err error)
	// Applied is told of every change after the first state.
	Applied func(config.Changes)
	// Read is told whether what was read could be applied.
	Read func(ok bool)
	// Scarce reports whether an error only says that nothing can be read at the moment. It
	// tells whoever has to know.
	Scarce func(error) bool
	// Leaving reports whether the gateway ends, and is left as it is.
	Leaving func() bool
	Log     *slog.Logger
}

// Reconciler keeps the gateway at what its sources want.
type Reconciler struct {
	o Options

	mu      sync.Mutex // held while sources are read and a state is applied
	closed  bool
	tracked []tracked
	news    bool // something was told of what was read
	current atomic.Pointer[State]
}

// readTimeout bounds the reading of one source, for the others wait for it.
const readTimeout = 5 * time.Second

// New applies the first state. It fails where a source cannot be read, or what they say
// together cannot be applied.
func New(ctx context.Context, o Options) (*Reconciler, error) {
	r := &Reconciler{o: o, tracked: []tracked{{applied: Layer{Config: o.Config}}}}
	if o.Files != nil {
		r.tracked[0].source = o.Files
	}
	for _, s := range o.Sources {
		p, err := s.Read(ctx)
		if err != nil {
			return nil, from(s, err)
		}
		r.tracked = append(r.tracked, tracked{source: s, applied: p, version: p.Version})
	}
	c, err := merge(r.merged(0, r.tracked[0].applied))
	if err != nil {
		return nil, err
	}
	r.current.Store(&State{Revision: 1, Config: c})
	_, err = o.Apply(r.State())
	return r, err
}

// State returns what is served. It waits for nothing.
func (r *Reconciler) State() State { return *r.current.Load() }

// occasion says why sources are read again.
type occasion int

const (
	seen  occasion = iota // a source may have changed
	asked                 // somebody wants it
)

// Reload reads all sources at once and says what came of it, also where they are as they were.
// Callers wait for each other.
func (r *Reconciler) Reload(ctx context.Context) {
	if len(r.tracked) == 1 && r.tracked[0].source == nil {
		r.o.Log.Info("the configuration was not read from files, and is not read again")
		return
	}
	r.reconcile(ctx, asked)
}

// Close lets nothing change the gateway any more. It waits for what is being applied.
func (r *Reconciler) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// Run applies what sources want whenever it has changed, until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	for i := range r.tracked {
		if s := r.tracked[i].source; s != nil {
			watching.Go(func() {
				s.Watch(ctx, func() {
					select {
					case changed <- struct{}{}:
					default: // somebody has told it
					}
				})
			})
		}
	}
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	read := time.NewTimer(0) // sources may have changed since the start
	defer read.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			read.Reset(0)
		case <-tick.C:
			if r.isBehind() {
				read.Reset(0)
			}
		case <-read.C:
			if r.reconcile(ctx, seen) {
				read.Reset(restFor)
			}
		}
	}
}

// isBehind reports whether something is not applied, for a reason that may lie elsewhere.
func (r *Reconciler) isBehind() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	unread := func(t tracked) bool { return t.unread }
	return r.anyFailed() || slices.ContainsFunc(r.tracked, unread)
}

// anyFailed reports whether a layer is wrong or cannot be had.
func (r *Reconciler) anyFailed() bool {
	return slices.ContainsFunc(r.tracked, func(t tracked) bool { return t.failed != "" })
}

// reconcile reads all sources and applies what has changed, one layer after the other. It reports
// whether to read again in a while: what is wrong may be half written, and nobody has asked.
func (r *Reconciler) reconcile(ctx context.Context, why occasion) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news = false
	before := r.State().Revision
	for i := range r.tracked {
		again = r.read(ctx, i, why) || again
	}
	if why == asked && !r.news {
		r.o.Log.Info("the configuration is as it was")
	}
	for r.State().Revision != before { // what was in the way of a layer may have gone
		before = r.State().Revision
		for i := range r.tracked {
			if r.tracked[i].failed != "" {
				_ = r.read(ctx, i, seen)
			}
		}
	}
	return again
}

// read reads the i-th source and applies its layer. It reports whether to read it again in a while.
func (r *Reconciler) read(ctx context.Context, i int, why occasion) (again bool) {
	p := &r.tracked[i]
	if r.closed || r.o.Leaving() || p.source == nil {
		return false
	}
	reading, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	got, err := p.source.Read(reading)
	first := p.version == ""
	if err == nil && got.Version != "" && got.Version == p.version && p.failed == "" && !p.unread {
		return false
	}
	var changes config.Changes
	var warnings []string
	if err == nil {
		changes, warnings, err = r.apply(i, got)
	}
	if p.unread = err != nil && r.o.Scarce(err); p.unread {
		return false // it may be right
	}
	fresh := got.Version != "" && got.Version != p.version
	if err != nil && (fresh || p.failed == "") && why == seen && got.Version != p.doubted {
		p.doubted = got.Version
		return true
	}
	p.doubted = ""
	wasAway := p.away
	p.away = err != nil && got.Version == ""
	if got.Version != "" {
		p.version = got.Version
	}
	if err != nil {
		r.refused(p, err, fresh || why == asked || p.away != wasAway)
		return false
	}
	p.failed = ""
	if first && reflect.DeepEqual(changes, config.Changes{}) {
		return false // it is what the gateway has started with
	}
	r.o.Read(!r.anyFailed())
	r.news = true
	r.logChanges(p, changes, warnings)
	r.o.Applied(changes)
	return false
}

// apply makes got the layer of the i-th source, in a state of its own. It returns what that
// changes, and the warnings that are new.
func (r *Reconciler) apply(i int, got Layer) (config.Changes, []string, error) {
	next, err := merge(r.merged(i, got))
	if err != nil {
		return config.Changes{}, nil, err
	}
	c, changes := config.Compare(r.State().Config, next)
	s := State{Revision: r.State().Revision + 1, Config: c}
	atStart, err := r.o.Apply(s)
	if err != nil {
		return config.Changes{}, nil, err
	}
	changes.AtStart = append(changes.AtStart, atStart...)
	warnings := newWarnings(r.State().Config.Warnings, c.Warnings)
	r.current.Store(&s)
	r.tracked[i].applied = got
	return changes, warnings, nil
}

// merged returns the layers that are applied, with got in the place of the i-th.
func (r *Reconciler) merged(i int, got Layer) []Layer {
	layers := make([]Layer, len(r.tracked))
	for j := range r.tracked {
		layers[j] = r.tracked[j].applied
	}
	layers[i] = got
	for j := range layers[1:] {
		layers[j+1].Config, layers[j+1].source = nil, r.tracked[j+1].source.Name()
	}
	return layers
}
