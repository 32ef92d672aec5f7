// Package tlstest makes certificates for tests.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Pair is the files of a certificate for 127.0.0.1, which vouches for itself, and of its key.
type Pair struct{ Certificate, Key string }

// New makes a pair in a folder of its own.
func New(t testing.TB) Pair {
	t.Helper()
	dir := t.TempDir()
	p := Pair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	p.Renew(t)
	return p
}

// Renew writes another certificate and key into the files, and returns its serial number.
func (p Pair) Renew(t testing.TB) *big.Int {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "gateway.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"gateway.test"},
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.Certificate, "CERTIFICATE", certificate)
	write(t, p.Key, "PRIVATE KEY", private)
	return serial
}

func write(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// YAML returns the pair as it is configured.
func (p Pair) YAML() string {
	return fmt.Sprintf("{certificate: %q, key: %q}", p.Certificate, p.Key)
}

// Serial returns the serial number of the certificate as it is now.
func (p Pair) Serial(t testing.TB) *big.Int {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.Certificate, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber
}

// Trust returns how to speak to whoever shows the certificate as it is now.
func (p Pair) Trust(t testing.TB) *tls.Config {
	t.Helper()
	b, err := os.ReadFile(p.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		t.Fatalf("%s has no certificate", p.Certificate)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}

// Client returns a client of HTTP/2 that trusts the certificate as it is now.
func (p Pair) Client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: p.Trust(t), ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
