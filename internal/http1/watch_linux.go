package http1

import (
	"os"
	"sync"
	"syscall"
)

// watch learns from the kernel when clients leave. A connection is shown to it
// once, and costs nothing more.
//
// It is an epoll of its own, which asks only whether the other side has sent its last byte
// (EPOLLRDHUP in epoll_ctl(2); a reset is always told), and tells that once for each connection. It
// is itself waited for by Go's poller, so it takes one goroutine and no thread.
type watch struct {
	file *os.File
	fd   int

	mu    sync.Mutex
	conns map[uint64]*conn // by the number that the kernel knows them by; nil once closed
	last  uint64           // number given
}

const (
	peerGone   = syscall.EPOLLRDHUP | oneshot
	oneshot    = 1 << 30 // EPOLLONESHOT, whose constant in syscall is negative on some systems
	eventsOnce = 64
)

// newWatch returns a watch, or nil where the system has none to give.
func newWatch() *watch {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil
	}
	w := &watch{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, conns: make(map[uint64]*conn)}
	raw, err := w.file.SyscallConn()
	if err != nil {
		_ = w.file.Close()
		return nil
	}
	go w.run(raw)
	return w
}

// run tells connections that their clients have left, until the watch is closed.
func (w *watch) run(raw syscall.RawConn) {
	events := make([]syscall.EpollEvent, eventsOnce)
	// It ends with the file.
	_ = raw.Read(func(fd uintptr) (done bool) {
		for {
			n, err := syscall.EpollWait(int(fd), events, 0)
			if n <= 0 && err != syscall.EINTR {
				return false
			}
			for _, e := range events[:max(n, 0)] {
				if c := w.at(e.Fd, e.Pad); c != nil {
					c.gone()
				}
			}
		}
	})
}

// at returns the connection whose number has these halves; nil if it is not watched any more.
func (w *watch) at(low, high int32) *conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[uint64(uint32(low))|uint64(uint32(high))<<32] // #nosec G115 -- bit for bit
}

// add begins to watch a connection. It reports false for one that cannot be watched.
func (w *watch) add(c *conn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		return false
	}
	w.last++
	c.number = w.last
	low, high := int32(uint32(c.number)), int32(uint32(c.number>>32)) // #nosec G115 -- bit for bit
	event := syscall.EpollEvent{Events: peerGone, Fd: low, Pad: high}
	controlled := raw.Control(func(fd uintptr) {
		err = syscall.EpollCtl(w.fd, syscall.EPOLL_CTL_ADD, int(fd), &event)
	})
	if controlled != nil || err != nil {
		return false
	}
	w.conns[c.number] = c
	return true
}

// remove forgets a connection. The kernel does when it is closed; what it tells of
// one until then is nobody's business.
func (w *watch) remove(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c.number)
}

// close ends the watch. It waits for what is being told, so no lock may be held.
func (w *watch) close() {
	w.mu.Lock()
	w.conns = nil
	w.mu.Unlock()
	_ = w.file.Close()
}
