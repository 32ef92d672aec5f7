// Package file reads files that an operator names. It neither waits for a pipe nor reads for ever.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// BytesMax bounds the files that settings name: all systems' authorities have a quarter of it.
const BytesMax = 1 << 20

// ErrNotRegular is the error of a pipe, a device or a folder in place of a file.
var ErrNotRegular = errors.New("it is no regular file")

// Read reads a file of the system. It fails with [ErrNotRegular], with the system's error, and
// where the file has more than BytesMax bytes.
func Read(name string) ([]byte, error) {
	text, err := ReadIn(System{}, name, BytesMax)
	if err == nil && len(text) > BytesMax {
		err = fmt.Errorf("it has more than %d bytes", BytesMax)
	}
	return text, err
}

// ReadIn reads a file of a folder, and one byte more than bytesMax at most, so that a larger one
// shows. It fails with [ErrNotRegular] or with the folder's error.
func ReadIn(folder fs.FS, name string, bytesMax int64) ([]byte, error) {
	is, err := fs.Stat(folder, name)
	switch {
	case err != nil:
		return nil, err
	case !is.Mode().IsRegular():
		return nil, ErrNotRegular
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, bytesMax+1))
}

// System is the files of the system by the paths that settings have, which fs.FS does not know.
type System struct{}

// Open implements fs.FS.
func (System) Open(name string) (fs.File, error) {
	return os.Open(name) // #nosec G304 -- the operator names it
}

// Stat implements fs.StatFS.
func (System) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
