package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript is what a process has written so far. It is safe for concurrent
// use.
type transcript struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{} // closed when text grows; nil while nobody waits
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return len(p), nil
}

// String returns all of it.
func (s *transcript) String() string {
	text, _ := s.read()
	return text
}

// read returns all of it, and a channel that is closed when there is more.
func (s *transcript) read() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return string(s.text), s.changed
}

// lines returns the complete lines that contain what.
func (s *transcript) lines(what string) []string {
	var found []string
	for line := range strings.Lines(s.String()) {
		if strings.HasSuffix(line, "\n") && strings.Contains(line, what) {
			found = append(found, line)
		}
	}
	return found
}

// await waits until the text contains what, and returns all of it.
func (s *transcript) await(t testing.TB, what string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, more := s.read()
		if strings.Contains(text, what) {
			return text
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("%q was not written within %v, but:\n%s", what, patience, text)
		}
	}
}
