package app

import (
	"io/fs"
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

// TestLoadTellsTheSystemsError: whoever reads the configuration can tell files that are
// wrong from those that were not read.
func TestLoadTellsTheSystemsError(t *testing.T) {
	if _, err := config.Load(config.Options{Dir: "conf", Files: unreadable{}}); !descriptor.Exhausted(err) || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("the error is %v", err)
	}
}
