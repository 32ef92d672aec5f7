package listener

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

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
