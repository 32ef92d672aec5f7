package descriptor

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
	if n := raiseLimit(); n == 0 {
		t.Error("the system does not tell how many there may be")
	}
}

// TestOutOfDescriptors, however it is wrapped on its way, and nothing else.
func TestOutOfDescriptors(t *testing.T) {
	file := &fs.PathError{Op: "open", Path: "application.yml", Err: syscall.EMFILE}
	for _, err := range []error{
		file, fmt.Errorf("ca-file: %w", file), &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ENFILE)},
		errors.Join(errors.New("is wrong"), file),
	} {
		if !Exhausted(err) {
			t.Errorf("%v is not that there is no file descriptor left", err)
		}
	}
	for _, err := range []error{nil, fs.ErrNotExist, errors.New("too many open files"), &net.OpError{Op: "accept", Err: syscall.ECONNABORTED}} {
		if Exhausted(err) {
			t.Errorf("%v is that there is no file descriptor left", err)
		}
	}
}

// TestScarcityIsTold of each sort, but not again and again.
func TestScarcityIsTold(t *testing.T) {
	var b strings.Builder
	s := Scarcity{log: slog.New(slog.NewTextHandler(&b, nil)), Descriptors: 96, Connections: 32}
	for range 3 {
		s.Full()
		s.Failed(&net.OpError{Op: "accept", Err: syscall.EMFILE})
		s.Failed(syscall.ECONNABORTED)
		s.Unread(syscall.EMFILE)
	}
	if got := b.String(); strings.Count(got, "\n") != 3 || strings.Count(got, "file_descriptors=96") != 3 || strings.Contains(got, "connection abort") {
		t.Errorf("the log is %s", got)
	}
}
