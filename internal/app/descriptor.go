package app

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// ownDescriptors is how many file descriptors are kept for what is neither a client's
// connection nor one to a model server: listeners, Redis, the log, files that are read,
// operators.
const ownDescriptors = 32

// connectionsMax returns how many connections of clients may be open at once where the
// process may have so many file descriptors; 0 where that is not known. Each may have a
// request that needs a connection to a model server, so they get half of them.
func connectionsMax(descriptors uint64) int {
	if descriptors == 0 {
		return 0
	}
	const most = 1 << 30
	return int(max(1, (min(descriptors, most)-min(descriptors, ownDescriptors))/2)) // #nosec G115 -- at most 1 << 30
}

// outOfDescriptors reports whether err is that the process, or the system, has no file
// descriptor left.
func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// scarcity tells the log of file descriptors that are scarce, of each sort seldom.
type scarcity struct {
	log         *slog.Logger
	descriptors uint64
	connections int

	mu   sync.Mutex
	told map[string]time.Time
}

// scarcityEvery is how often the log tells of it again.
const scarcityEvery = 10 * time.Second

const raiseDescriptors = "raise the limit of the process (ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of Docker)"

// full tells that clients wait for connections to be closed.
func (s *scarcity) full() {
	if s.isNews("connections") {
		s.log.Warn("as many connections of clients are open as file descriptors allow; new ones wait, and unused ones are closed: "+raiseDescriptors,
			"file_descriptors", s.descriptors, "connections", s.connections)
	}
}

// failed tells of an error of accepting, if it is one of descriptors.
func (s *scarcity) failed(err error) {
	if outOfDescriptors(err) && s.isNews("accept") {
		s.log.Error("there is no file descriptor left for connections of clients, which wait: "+raiseDescriptors,
			"error", err, "file_descriptors", s.descriptors)
	}
}

// unread tells that files were not read again.
func (s *scarcity) unread(err error) {
	if s.isNews("configuration") {
		s.log.Error("there is no file descriptor left to read the configuration, which stays as it is and is read again: "+raiseDescriptors,
			"error", err, "file_descriptors", s.descriptors)
	}
}

// isNews reports whether something was not told lately.
func (s *scarcity) isNews(what string) bool {
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
