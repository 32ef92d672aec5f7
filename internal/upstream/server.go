package upstream

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// DefaultCheckInterval is how soon a server that is hung, or ill, is noticed
// that nobody asks anything.
const DefaultCheckInterval = 5 * time.Second

// Client sends requests to one model server; an [*httpclient.Client] is one. Its methods
// may be called concurrently.
type Client interface {
	// Address is the host and port of the server, Name what it is called in metrics.
	Address() string
	Name() string
	// Do sends a request and waits for the head of the response: see [httpclient.Client.Do].
	Do(ctx context.Context, r httpclient.Request) (httpclient.Response, error)
	// Stays reports whether a new connection stays open for the time of wait.
	Stays(ctx context.Context, wait time.Duration) (bool, error)
	// CloseIdle closes the connections that no request uses. Close does so too, and
	// refuses new requests.
	CloseIdle()
	Close()
}

// Options describe one model server. The zero values are the defaults, but for Client.
type Options struct {
	Client  Client // required; closed with the server
	Breaker BreakerOptions
	// CheckInterval is how often Watch asks the server whether it is well.
	// Zero means DefaultCheckInterval.
	CheckInterval time.Duration
	// Changed, if not nil, is called after the server's condition has changed. It
	// may be called concurrently, and must not call the server.
	Changed func(Condition)
	// Listed, if not nil, is called by Watch after what the server says of its models has
	// changed: see [Server.Lacks]. It must not call the server.
	Listed func()
}

// Server is a model server: what is known of how it does, over the client that reaches it.
// It starts no goroutine of its own, and refuses nobody: whether to ask it
// is for a [Pool] to decide. Use New; its methods may be called concurrently.
type Server struct {
	client Client
	name   string // the client's

	running  atomic.Int64             // requests whose answer has not ended
	breaker  breaker                  // of requests of no model, and of whether it is away
	silences atomic.Int32             // checks that were not answered, since it answered anything
	every    time.Duration            // between two checks
	checking atomic.Pointer[checking] // whether it is well, on its way; nil: none is
	cause    atomic.Pointer[error]    // why the server is away; nil, or to nil: it is not
	alarm    chan struct{}            // wakes Watch when the server has gone away
	changed  func(Condition)
	list     atomic.Pointer[modelList] // nil: nobody has looked since it was away
	listed   func()

	mu       sync.Mutex
	breakers map[string]*breaker // by model, for good: names come from the configuration
}

// New returns a server, which it does not ask yet.
func New(o Options) *Server {
	return &Server{
		client:  o.Client,
		name:    o.Client.Name(),
		breaker: breaker{options: o.Breaker.withDefaults()},
		every:   cmp.Or(o.CheckInterval, DefaultCheckInterval),
		alarm:   make(chan struct{}, 1),
		changed: o.Changed,
		listed:  o.Listed,

		breakers: map[string]*breaker{},
	}
}

// breakerOf returns the breaker of a model that the server serves; "" is no model.
func (s *Server) breakerOf(model string) *breaker {
	if model == "" {
		return &s.breaker
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.breakers[model]
	if b != nil {
		return b
	}
	b = &breaker{options: s.breaker.options, model: model}
	if s.breaker.isAway() {
		b.found(time.Now(), false)
	}
	s.breakers[model] = b
	return b
}

// found notes for all models whether the server was there when somebody looked, and
// reports whether that is news.
func (s *Server) found(there bool) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, b := range s.breakers {
		b.found(now, there)
	}
	return s.breaker.found(now, there)
}

// Address returns the host and port that connections are made to.
func (s *Server) Address() string { return s.client.Address() }

// Name tells the server apart from others, for people and metrics: its host and
// port, and its base path if it has one.
func (s *Server) Name() string { return s.name }

// Close closes the unused connections and refuses new requests with [ErrServerClosed].
// Those that run go on to their end. It may be called more than once.
func (s *Server) Close() { s.client.Close() }
