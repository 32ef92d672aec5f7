package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
)

// fileBytesMax bounds the files that settings name: the authorities of all systems
// are a quarter of that.
const fileBytesMax = 1 << 20

var errNotRegular = errors.New("it is no regular file")

// readFile reads a file that a setting names. It neither waits for whoever writes
// into a pipe, nor takes what has no end.
func readFile(name string) ([]byte, error) {
	is, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !is.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err == nil && len(text) > fileBytesMax {
		err = fmt.Errorf("it has more than %d bytes", fileBytesMax)
	}
	return text, err
}

// readRoots reads the file that a setting called ca-file names, and returns the
// authorities in it, and what it holds.
func readRoots(name string) (roots *x509.CertPool, text []byte, err error) {
	if text, err = readFile(name); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %w", err)
	}
	if roots, err = Roots(text); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %s %w", name, err)
	}
	return roots, text, nil
}
