package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// TestConnectionsMax: clients get half of the file descriptors that are not the gateway's
// own, so that each can have a connection to a model server.
func TestConnectionsMax(t *testing.T) {
	for descriptors, want := range map[uint64]int{
		0: 0, 1: 1, 32: 1, 34: 1, 36: 2, 1024: 496, 1 << 20: 1<<19 - 16, 1<<64 - 1: 1<<29 - 16,
	} {
		if got := connectionsMax(descriptors); got != want {
			t.Errorf("of %d descriptors %d are for clients, want %d", descriptors, got, want)
		}
	}
	if n := raiseDescriptorLimit(); n == 0 {
		t.Error("the system does not tell how many there may be")
	}
}

// TestOutOfDescriptors, however it is wrapped on its way, and nothing else.
func TestOutOfDescriptors(t *testing.T) {
	file := &fs.PathError{Op: "open", Path: "application.yml", Err: syscall.EMFILE}
	for _, err := range []error{
		file, fmt.Errorf("ca-file: %w", file), &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ENFILE)},
		config.Errors{{Problem: "is wrong"}, {Problem: "cannot be read", Err: file}},
	} {
		if !outOfDescriptors(err) {
			t.Errorf("%v is not that there is no file descriptor left", err)
		}
	}
	for _, err := range []error{nil, fs.ErrNotExist, errors.New("too many open files"), config.Errors{{Problem: "is wrong"}}, &net.OpError{Op: "accept", Err: syscall.ECONNABORTED}} {
		if outOfDescriptors(err) {
			t.Errorf("%v is that there is no file descriptor left", err)
		}
	}
}

// unreadable is a folder of which no file can be read, for want of a file descriptor.
type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
}

// TestNoDescriptorToListenWith: that is not blamed on the address.
func TestNoDescriptorToListenWith(t *testing.T) {
	for err, want := range map[error]string{
		&net.OpError{Op: "listen", Err: os.NewSyscallError("socket", syscall.EMFILE)}:   "listen: socket: too many open files; " + raiseDescriptors,
		&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}: "server.address :80: listen: bind: address already in use; end what listens there already, or choose another address there",
	} {
		if got := notListening("server.address", ":80", err, " there"); got.Error() != want || !errors.Is(got, err) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLoadTellsTheSystemsError: whoever reads the configuration can tell files that are
// wrong from those that were not read.
func TestLoadTellsTheSystemsError(t *testing.T) {
	if _, err := config.Load(config.Options{Dir: "conf", Files: unreadable{}}); !outOfDescriptors(err) || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("the error is %v", err)
	}
}

// TestScarcityIsTold of each sort, but not again and again.
func TestScarcityIsTold(t *testing.T) {
	var b strings.Builder
	s := scarcity{log: slog.New(slog.NewTextHandler(&b, nil)), descriptors: 96, connections: 32}
	for range 3 {
		s.full()
		s.failed(&net.OpError{Op: "accept", Err: syscall.EMFILE})
		s.failed(syscall.ECONNABORTED)
		s.unread(syscall.EMFILE)
	}
	if got := b.String(); strings.Count(got, "\n") != 3 || strings.Count(got, "file_descriptors=96") != 3 || strings.Contains(got, "connection abort") {
		t.Errorf("the log is %s", got)
	}
}
