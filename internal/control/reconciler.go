package control

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// Options of a Reconciler. All but Files and Sources are required.
type Options struct {
	Config  *config.Config // what Files said at the start
	Files   *Files         // read again; nil: never
	Sources []Source       // what is laid over Config, in their order
	// Apply makes a state what is served, or fails and changes nothing. It returns settings
	// that have changed and take effect at the next start only.
	Apply   func(State) (atStart []string, err error)
	Applied func(config.Changes) // told of every change after the first state
	Read    func(ok bool)        // told whether what was read could be applied
	// Scarce reports whether an error only says that nothing can be read now, and tells of it.
	Scarce  func(error) bool
	Leaving func() bool // reports whether the gateway ends, and is left as it is
	Log     *slog.Logger
}

// Reconciler keeps the gateway at what its sources want.
type Reconciler struct {
	o Options

	mu      sync.Mutex // held while sources are read and a state is applied
	closed  bool
	tracked []*tracked // the files, and then the others in their order
	news    bool       // something was told of what was read
	current atomic.Pointer[State]
}

// readTimeout bounds the reading of one source, for the others wait for it.
const readTimeout = 5 * time.Second

// New applies the first state. It fails where a source cannot be read, or what they say
// together cannot be applied.
func New(ctx context.Context, o Options) (*Reconciler, error) {
	files := &tracked{applied: Layer{Config: o.Config}}
	if o.Files != nil {
		files.source = o.Files
	}
	r := &Reconciler{o: o, tracked: []*tracked{files}}
	for _, s := range o.Sources {
		layer, err := s.Read(ctx)
		if err != nil {
			return nil, from(s, err)
		}
		t := &tracked{source: s, applied: layer, last: reading{version: layer.Version}}
		r.tracked = append(r.tracked, t)
	}
	c, err := merge(r.merged(files, files.applied))
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

// Reload reads all sources at once and says what came of it. Callers wait for each other.
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
	tell := func() {
		select {
		case changed <- struct{}{}:
		default: // somebody has told it
		}
	}
	for _, t := range r.tracked {
		if t.source != nil {
			watching.Go(func() { t.source.Watch(ctx, tell) })
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
	return slices.ContainsFunc(r.tracked, func(t *tracked) bool { return t.last.isBehind() })
}

// reconcile reads all sources and applies what has changed, one layer after the other. It reports
// whether to read again in a while: what is wrong may be half written, and nobody has asked.
func (r *Reconciler) reconcile(ctx context.Context, why occasion) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news = false
	before := r.State().Revision
	for _, t := range r.tracked {
		again = r.read(ctx, t, why) || again
	}
	if why == asked && !r.news {
		r.o.Log.Info("the configuration is as it was")
	}
	for r.State().Revision != before { // what was in the way of a layer may have gone
		before = r.State().Revision
		for _, t := range r.tracked {
			if t.last.failed != "" {
				_ = r.read(ctx, t, seen)
			}
		}
	}
	return again
}

// read reads a source and applies its layer. It reports whether to read it again in a while.
func (r *Reconciler) read(ctx context.Context, t *tracked, why occasion) (again bool) {
	if r.closed || r.o.Leaving() || t.source == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	got, err := t.source.Read(ctx)
	if err == nil && got.Version != "" && got.Version == t.last.version && !t.last.isBehind() {
		return false
	}
	var d difference
	if err == nil {
		d, err = r.apply(t, got)
	}
	t.last.unread = err != nil && r.o.Scarce(err)
	switch {
	case t.last.unread: // it may be right
	case err == nil:
		r.accepted(t, got.Version, d)
	case why == seen && t.last.doubts(got.Version):
		return true
	default:
		r.refused(t, got.Version, err, why)
	}
	return false
}

// difference is what a layer has changed, and the warnings that are new with it.
type difference struct {
	config.Changes
	warnings []string
}

// apply makes got the layer of t, in a state of its own.
func (r *Reconciler) apply(t *tracked, got Layer) (d difference, err error) {
	next, err := merge(r.merged(t, got))
	if err != nil {
		return d, err
	}
	before := r.State()
	s := State{Revision: before.Revision + 1}
	s.Config, d.Changes = config.Compare(before.Config, next)
	atStart, err := r.o.Apply(s)
	if err != nil {
		return d, err
	}
	d.AtStart = append(d.AtStart, atStart...)
	d.warnings = newWarnings(before.Config.Warnings, s.Config.Warnings)
	r.current.Store(&s)
	t.applied = got
	return d, nil
}

// merged returns the layers that are applied, with got in the place of that of t.
func (r *Reconciler) merged(t *tracked, got Layer) []Layer {
	layers := make([]Layer, len(r.tracked))
	for i, x := range r.tracked {
		layers[i] = x.applied
		if x == t {
			layers[i] = got
		}
		if i > 0 {
			layers[i].Config, layers[i].source = nil, x.source.Name()
		}
	}
	return layers
}
