package descriptor

import (
	"log/slog"
	"sync"
	"time"
)

// Scarcity tells the log of scarce file descriptors, seldom. It is safe for concurrent use.
type Scarcity struct {
	Descriptors uint64 // how many file descriptors the process may have; 0: it is not known
	Connections int    // how many connections of clients may be open at once; 0: any number

	log *slog.Logger

	mu   sync.Mutex
	told map[string]time.Time
}

// New lets the process have as many file descriptors as it may. log is told where they are too few.
func New(log *slog.Logger) *Scarcity {
	n := raiseLimit()
	return &Scarcity{Descriptors: n, Connections: connectionsMax(n), log: log}
}

// scarcityEvery is how often the log tells of it again.
const scarcityEvery = 10 * time.Second

// Remedy says what to do where there are too few.
const Remedy = "raise the limit of the process " +
	"(ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of Docker)"

// Full tells that clients wait for connections to be closed.
func (s *Scarcity) Full() {
	if s.isNews("connections") {
		s.log.Warn("as many connections of clients are open as file descriptors allow; "+
			"new ones wait, and unused ones are closed: "+Remedy,
			"file_descriptors", s.Descriptors, "connections", s.Connections)
	}
}

// Failed tells of an error of accepting, if it is one of descriptors.
func (s *Scarcity) Failed(err error) {
	if Exhausted(err) && s.isNews("accept") {
		s.log.Error("there is no file descriptor left for connections of clients, which wait: "+
			Remedy, "error", err, "file_descriptors", s.Descriptors)
	}
}

// Unread reports whether files were not read again for want of a descriptor, and tells it.
func (s *Scarcity) Unread(err error) bool {
	exhausted := Exhausted(err)
	if exhausted && s.isNews("configuration") {
		s.log.Error("there is no file descriptor left to read the configuration, which stays as "+
			"it is and is read again: "+Remedy, "error", err, "file_descriptors", s.Descriptors)
	}
	return exhausted
}

// isNews reports whether something was not told lately.
func (s *Scarcity) isNews(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, told := s.told[what]; told && now.Sub(last) < scarcityEvery {
		return false
	}
	if s.told == nil {
		s.told = map[string]time.Time{}
	}
	s.told[what] = now
	return true
}
