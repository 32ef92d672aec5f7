package control

import (
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// restFor is how long files must be left alone before they are read: an
	// editor writes more than once, and a half-written file may look whole.
	restFor    = 200 * time.Millisecond
	restLatest = 2 * time.Second // when they are read although somebody goes on writing
	// lookInterval is how often the files are looked at without being told: nobody tells of changes
	// on network file systems, or behind links that lead out of the folder.
	lookInterval = 2 * time.Second
)

// rest tells when files that are being changed are to be read. The zero value waits for nothing.
type rest struct{ since time.Time }

// waiting reports whether files are to be read.
func (r *rest) waiting() bool { return !r.since.IsZero() }

// disturbed takes note of a change, and returns how long to wait before the files are read.
func (r *rest) disturbed(now time.Time) time.Duration {
	if !r.waiting() {
		r.since = now
	}
	return max(0, min(restFor, r.since.Add(restLatest).Sub(now)))
}

// folder tells of changes in a directory, also of one that is put in its place.
type folder struct {
	path    string
	notify  *fsnotify.Watcher // nil: the system has none to give
	watched os.FileInfo       // what is watched; nil for nothing
}

// openFolder watches the directory at path, which may be missing. With an error
// the folder never tells of anything.
func openFolder(path string) (*folder, error) {
	f := &folder{path: path}
	var err error
	if f.notify, err = fsnotify.NewWatcher(); err == nil {
		f.follow()
	}
	return f, err
}

// follow watches what is at the path now.
func (f *folder) follow() {
	if f.notify == nil {
		return
	}
	there, err := os.Stat(f.path)
	lost := len(f.notify.WatchList()) == 0
	if err == nil && !lost && os.SameFile(there, f.watched) {
		return
	}
	f.watched = nil
	if !lost {
		_ = f.notify.Remove(f.path) // what was watched may be gone
	}
	if err == nil && f.notify.Add(f.path) == nil {
		f.watched = there
	}
}

// tells returns what tells of changes, and of those that may have been missed; nil: nothing does.
func (f *folder) tells() (<-chan fsnotify.Event, <-chan error) {
	if f.notify == nil {
		return nil, nil
	}
	return f.notify.Events, f.notify.Errors
}

func (f *folder) close() {
	if f.notify != nil {
		_ = f.notify.Close() // nothing is lost by what goes wrong here
	}
}
