// Package certificate reads the files of certificates, keys and authorities that settings name,
// and follows those of a listener while they change.
//
// Invariant: nothing of a key is in an error or a line of the log.
package certificate

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
)

// ErrNone says that a text has no certificate. It continues a sentence about the text.
var ErrNone = errors.New("has no certificate (PEM)")

// Roots returns the authorities of a text in PEM, for tls.Config, which then trusts nobody else.
// The error continues a sentence that begins with the name of the text.
func Roots(text []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, ErrNone
	}
	return roots, nil
}

// ReadRoots returns the authorities in the file of a setting called ca-file, and its text.
func ReadRoots(name string) (roots *x509.CertPool, text []byte, err error) {
	if text, err = file.Read(name); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %w", err)
	}
	if roots, err = Roots(text); err != nil {
		return nil, nil, fmt.Errorf("ca-file: %s %w", name, err)
	}
	return roots, text, nil
}

// HasCertificate reports whether the first certificate of a text in PEM, the one
// that a key belongs to, can be read.
func HasCertificate(text []byte) bool {
	block := firstBlock(text, "CERTIFICATE")
	if block == nil {
		return false
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err == nil
}

// HasKey reports whether a text in PEM has a private key, of any kind.
func HasKey(text []byte) bool { return firstBlock(text, "PRIVATE KEY") != nil }

func firstBlock(text []byte, kind string) *pem.Block {
	block, rest := pem.Decode(text)
	for block != nil && !strings.HasSuffix(block.Type, kind) {
		block, rest = pem.Decode(rest)
	}
	return block
}
