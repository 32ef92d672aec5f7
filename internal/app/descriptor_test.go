package app

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

// unreadable is a folder of which no file can be read, for want of a file descriptor.
type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
}

// TestNoDescriptorToListenWith: that is not blamed on the address.
func TestNoDescriptorToListenWith(t *testing.T) {
	for err, want := range map[error]string{
		&net.OpError{Op: "listen", Err: os.NewSyscallError("socket", syscall.EMFILE)}:   "listen: socket: too many open files; " + descriptor.Remedy,
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
	if _, err := config.Load(config.Options{Dir: "conf", Files: unreadable{}}); !descriptor.Exhausted(err) || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("the error is %v", err)
	}
}
