package mockvllm

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Server answers as a vLLM OpenAI-compatible server would. It is an
// [http.Handler]; make one with [New]. Safe for concurrent use.
type Server struct {
	options Options
	served  atomic.Pointer[[]*model]
	routes  *http.ServeMux

	defaults  atomic.Pointer[Behavior]
	unhealthy atomic.Bool
	queueFull atomic.Bool

	made atomic.Uint64 // request ids made so far

	acks sync.Map // of request id to chan struct{}

	closeOnce sync.Once
	closed    chan struct{}
}

// New returns a server. It opens no listener and starts no goroutine.
func New(o Options) *Server {
	if len(o.Models) == 0 {
		o.Models = []Model{{Name: DefaultModel}}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Ledger = cmp.Or(o.Ledger, new(Ledger))
	s := &Server{options: o, routes: http.NewServeMux(), closed: make(chan struct{})}
	s.served.Store(new([]*model))
	for _, m := range o.Models {
		s.Serve(m)
	}
	s.SetDefaults(Behavior{
		FirstTokenMillis: inMillis(o.TimeToFirstToken),
		TokenMillis:      inMillis(o.TokenInterval),
	})
	s.route()
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Close breaks off all answers, running and to come. It does not wait for
// them (see [Ledger.Quiesce]). Closing twice does nothing.
func (s *Server) Close() { s.closeOnce.Do(func() { close(s.closed) }) }

// Ledger returns the books that the server keeps.
func (s *Server) Ledger() *Ledger { return s.options.Ledger }

// SetUnhealthy makes /health answer 503, or 200 again. Other routes go on.
func (s *Server) SetUnhealthy(on bool) { s.unhealthy.Store(on) }

// SetQueueFull makes every request that needs an engine fail with 503, as if
// the queue were full; /health stays as it is.
func (s *Server) SetQueueFull(on bool) { s.queueFull.Store(on) }

// SetDefaults replaces the behaviour that requests get unless they say
// otherwise, pace included. Requests that run keep theirs. It panics on an
// unknown value.
func (s *Server) SetDefaults(b Behavior) {
	if err := b.check(); err != nil {
		panic("mockvllm: " + err.Error())
	}
	s.defaults.Store(&b)
}

// Ack lets the next event of a request's stream go (see [Behavior.Ack]). It
// reports whether there is such a stream.
func (s *Server) Ack(requestID string) bool {
	acks, ok := s.acks.Load(requestID)
	if ok {
		select {
		case acks.(chan struct{}) <- struct{}{}:
		default: // far more acknowledgements than events
		}
	}
	return ok
}

// acksMax bounds the acknowledgements given ahead.
const acksMax = 4096

// Serve adds a model to those served, unless one of its name is among them.
func (s *Server) Serve(m Model) {
	for {
		known := s.served.Load()
		if m.Name != "" && s.model(m.Name) != nil {
			return
		}
		more := append(slices.Clone(*known), newModel(m, s.options))
		if s.served.CompareAndSwap(known, &more) {
			return
		}
	}
}

// models returns the models served.
func (s *Server) models() []*model { return *s.served.Load() }

// model returns the model of a name; no name means the first.
func (s *Server) model(name string) *model {
	if name == "" {
		return s.models()[0]
	}
	for _, m := range s.models() {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// route registers vLLM's routes, the old paths of rerank and score included.
func (s *Server) route() {
	for _, e := range wire.Endpoints {
		s.handle("POST", e.Path(), s.serve(e))
	}
	s.handle("POST", "/rerank", s.serve(wire.Rerank))
	s.handle("POST", "/v2/rerank", s.serve(wire.Rerank))
	s.handle("POST", "/score", s.serve(wire.Score))
	s.handle("GET", "/v1/models", s.serveModels)
	s.handle("GET", "/health", s.serveHealth)
	s.handle("GET", "/ping", s.serveHealth)
	s.handle("GET", "/version", s.serveVersion)
	s.handle("GET", "/metrics", s.serveMetrics)
	s.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, http.StatusNotFound)
	})
}

// handle registers a route; other methods get vLLM's 405.
func (s *Server) handle(method, path string, serve http.HandlerFunc) {
	s.routes.HandleFunc(method+" "+path, serve)
	s.routes.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", method)
		writeStatus(w, http.StatusMethodNotAllowed)
	})
}
