package certificate

import (
	"crypto/x509"
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// ReadFile reads a file that a setting names, as config.ReadFile does. A larger one
// than may be is an error.
func ReadFile(name string) ([]byte, error) {
	text, err := config.ReadFile(name)
	if err == nil && len(text) > config.FileBytesMax {
		err = fmt.Errorf("it has more than %d bytes", config.FileBytesMax)
	}
	return text, err
}

// ReadRoots reads the file that a setting called ca-file names, and returns the
// authorities in it, and what it holds.
func ReadRoots(name string) (roots *x509.CertPool, text []byte, err error) {
	if text, err = ReadFile(name); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %w", err)
	}
	if roots, err = Roots(text); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %s %w", name, err)
	}
	return roots, text, nil
}
