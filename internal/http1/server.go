package http1

import (
	"cmp"
	"context"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves HTTP/1.1 on connections that are not encrypted; for the others it
// is net/http's. Use New; its methods may be called concurrently.
type Server struct {
	http     *http.Server
	log      *log.Logger
	handler  http.Handler    // of the connections that are served here
	patience time.Duration   // with clients that do not read
	base     context.Context // of all requests

	handsOver bool        // all connections to net/http
	room      *room       // for connections; nil: no bound
	failed    func(error) // told of errors of accepting that may pass; may be nil
	closing   atomic.Bool // every answer is the last one of its connection

	mu        sync.Mutex
	watch     *watch // nil: none yet, or none to be had
	conns     map[*conn]struct{}
	accepting int  // listeners
	closed    bool // no connection is let in any more
}

// New returns a server that answers with other's Handler, keeps to its
// ReadHeaderTimeout, IdleTimeout and ErrorLog, and hands over what it does not serve
// itself to other, which belongs to it from now on. ReadTimeout, WriteTimeout,
// ConnState, BaseContext and ConnContext have to be unset: only other knows them.
// A client that reads nothing for the time of patience, which is above 0, up to an
// eighth more, is cut off, unless the handler has set a write deadline of its own: see [Patient].
func New(other *http.Server, patience time.Duration) *Server {
	s := &Server{
		http:     other,
		log:      cmp.Or(other.ErrorLog, log.Default()),
		handler:  other.Handler,
		patience: patience,
		base:     context.WithValue(context.Background(), http.ServerContextKey, other),
		conns:    make(map[*conn]struct{}),
	}
	other.Handler = Patient(other.Handler, patience)
	other.RegisterOnShutdown(func() { s.each((*conn).closeIdle) }) // once the listeners are closed
	return s
}

// Serve answers what comes to the listener until the server is shut down or the listener fails for
// good. Its error is never nil; after Shutdown or Close it is [http.ErrServerClosed].
func (s *Server) Serve(l net.Listener) error {
	w := s.watching()
	if w == nil {
		return s.http.Serve(Strict(s.bounds(l), s.log))
	}
	return s.http.Serve(s.sort(l, w))
}

// ServeTLS is [http.Server.ServeTLS].
func (s *Server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	return s.http.ServeTLS(s.bounds(l), certFile, keyFile)
}

// Shutdown closes the listeners and then the connections that wait for a further
// request, and returns when all others have their answer and are closed too, or when
// ctx ends, with its error. As with net/http, connections that have not brought a
// request yet have 5 s for it: who has been let in gets an answer.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	err := s.http.Shutdown(ctx)
	for pause := time.Millisecond; !s.isEmpty(); pause = min(2*pause, emptyPauseMax) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.unwatch()
	return err
}

// Close closes the listeners and all connections at once. It does not wait for handlers.
func (s *Server) Close() error {
	s.closing.Store(true)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.http.Close()
	s.each((*conn).cut)
	s.unwatch()
	return err
}

// HandOverAll has net/http serve all connections, within the same bounds. Call it before Serve.
func (s *Server) HandOverAll() { s.handsOver = true }

// watching returns what tells that clients have left; nil where that cannot be
// told, the server is shut, or it serves no connection itself.
func (s *Server) watching() *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil && !s.closing.Load() && !s.handsOver {
		s.watch = newWatch()
	}
	return s.watch
}

// unwatch ends it.
func (s *Server) unwatch() {
	s.mu.Lock()
	w := s.watch
	s.mu.Unlock()
	if w != nil {
		w.close()
	}
}

// emptyPauseMax is how often, at the least, Shutdown looks whether it is done.
const emptyPauseMax = 20 * time.Millisecond

// isEmpty reports whether nothing is accepted and served any more.
func (s *Server) isEmpty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) == 0 && s.accepting == 0
}

// accepts counts a listener in, or, with -1, out.
func (s *Server) accepts(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepting += n
}

// keep counts a connection in, unless the server is closed.
func (s *Server) keep(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

// drop counts a connection out.
func (s *Server) drop(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// each does something with every connection, without a lock: others come and go meanwhile.
func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range all {
		do(c)
	}
}
