package http1

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server serves HTTP/1.1 on connections that are not encrypted; for the others it
// is net/http's. Use New; its methods may be called concurrently.
type Server struct {
	http *http.Server
	base context.Context // of all requests

	closing atomic.Bool // every answer is the last one of its connection
	mu      sync.Mutex
	watch   *watch // nil: none yet, or none to be had
	conns   map[*conn]struct{}
	empty   chan struct{} // nil before Shutdown; then closed when no connection is left
}

// New returns a server that answers with other's Handler, keeps to its
// ReadHeaderTimeout, IdleTimeout and ErrorLog, and leaves what it does not serve
// itself to other, which belongs to it from now on. ReadTimeout, WriteTimeout,
// ConnState, BaseContext and ConnContext have to be unset: only other knows them.
func New(other *http.Server) *Server {
	return &Server{
		http:  other,
		base:  context.WithValue(context.Background(), http.ServerContextKey, other),
		conns: make(map[*conn]struct{}),
	}
}

// Serve answers what comes to the listener until the server is shut down or the
// listener fails. Its error is never nil; after Shutdown or Close it is
// [http.ErrServerClosed].
func (s *Server) Serve(l net.Listener) error {
	w := s.watching()
	if w == nil {
		return s.http.Serve(l)
	}
	return s.http.Serve(s.sort(l, w))
}

// ServeTLS is [http.Server.ServeTLS].
func (s *Server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	return s.http.ServeTLS(l, certFile, keyFile)
}

// Shutdown closes the listeners and the connections that wait for a request, and
// returns when all others have their answer and are closed too, or when ctx ends,
// with its error.
func (s *Server) Shutdown(ctx context.Context) error {
	empty := s.shut()
	s.each((*conn).closeIdle)
	err := s.http.Shutdown(ctx)
	select {
	case <-empty:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.unwatch()
	return err
}

// Close closes the listeners and all connections at once. It does not wait for
// handlers.
func (s *Server) Close() error {
	s.shut()
	err := s.http.Close()
	s.each((*conn).cut)
	s.unwatch()
	return err
}

// watching returns what tells that clients have left; nil where that cannot be
// told, or the server is shut.
func (s *Server) watching() *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil && s.empty == nil {
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

// shut lets no connection in any more and returns what is closed once there is
// none.
func (s *Server) shut() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	if s.empty == nil {
		s.empty = make(chan struct{})
		if len(s.conns) == 0 {
			close(s.empty)
		}
	}
	return s.empty
}

// keep counts a connection in, unless the server is shut.
func (s *Server) keep(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty != nil {
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
	if s.empty != nil && len(s.conns) == 0 {
		close(s.empty)
	}
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}
