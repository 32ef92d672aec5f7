package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// FileBytesMax bounds the files that settings name: the authorities of all systems are a
// quarter of that.
const FileBytesMax = 1 << 20

// ErrNotRegular is the error of a pipe, a device or a folder in place of a file.
var ErrNotRegular = errors.New("it is no regular file")

// ReadFile reads a file of the system that a setting names, and one byte more than
// FileBytesMax at most, so that a larger one shows. It neither waits for whoever writes
// into a pipe, which is an ErrNotRegular, nor takes what has no end.
func ReadFile(name string) ([]byte, error) { return readBounded(anywhere{}, name, FileBytesMax) }

// anywhere is the files of the system by the paths that settings have, which fs.FS does not know.
type anywhere struct{}

func (anywhere) Open(name string) (fs.File, error)     { return os.Open(name) } // #nosec G304 -- the files that the operator names
func (anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// readBounded is ReadFile for the files of a folder.
func readBounded(files fs.FS, name string, bytesMax int64) ([]byte, error) {
	is, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return nil, err
	case !is.Mode().IsRegular():
		return nil, ErrNotRegular
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, bytesMax+1))
}
