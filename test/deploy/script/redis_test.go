package script_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// password is that of all servers, for the manifests want one.
const password = "a long password with 'quotes'"

// redisServer is a redis-server with the settings of the manifests.
type redisServer struct {
	port    string
	folder  string
	tls     []string // what redis-cli needs to talk with it
	process *deploytest.Process
}

// startRedis starts one with an empty folder; arguments are further settings.
func startRedis(t *testing.T, arguments ...string) *redisServer {
	t.Helper()
	s := &redisServer{port: deploytest.FreePort(t), folder: t.TempDir()}
	s.start(t, append([]string{"--port", s.port}, arguments...)...)
	return s
}

// startTLSRedis starts one that speaks TLS only, and returns the file of its authority too.
func startTLSRedis(t *testing.T) (*redisServer, string) {
	t.Helper()
	s := &redisServer{port: deploytest.FreePort(t), folder: t.TempDir()}
	certificate, key := certificateFiles(t)
	s.tls = []string{"--tls", "--cacert", certificate}
	s.start(t, "--port", "0", "--tls-port", s.port, "--tls-cert-file", certificate, "--tls-key-file", key,
		"--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")
	return s, certificate
}

func (s *redisServer) start(t *testing.T, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("the tests need a redis-server: scripts/install-test-needs.sh")
	}
	s.process = start(t, path, append([]string{
		"--bind", "127.0.0.1", "--dir", s.folder, "--requirepass", password, "--repl-diskless-sync-delay", "0",
		"--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "",
	}, arguments...)...)
	deploytest.Eventually(t, "redis-server answers", func() bool { return s.ask(t, "ping") == "PONG" })
}

// ask returns what redis-cli says to a command, standard error too.
func (s *redisServer) ask(t *testing.T, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "redis-cli", append(append([]string{"-h", "127.0.0.1", "-p", s.port}, s.tls...), arguments...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
	out, _ := cmd.CombinedOutput()
	return strings.TrimSpace(string(out))
}

// backup runs scripts/backup-redis.sh for this server and returns what it said and its exit code.
func (s *redisServer) backup(t *testing.T, arguments ...string) (string, int) {
	t.Helper()
	variables := []string{"REDIS_HOST=127.0.0.1", "REDIS_PORT=" + s.port, "REDIS_USERNAME=", "REDIS_PASSWORD=" + password}
	return run(t, variables, "scripts/backup-redis.sh", arguments...)
}

// copyTo makes a copy in a folder and returns its file.
func (s *redisServer) copyTo(t *testing.T, folder string, arguments ...string) string {
	t.Helper()
	before := copies(t, folder)
	out, code := s.backup(t, append([]string{"--directory", folder}, arguments...)...)
	after := copies(t, folder)
	if code != 0 || len(after) == 0 || len(before) > 0 && after[len(after)-1] == before[len(before)-1] {
		t.Fatalf("no copy was made, with code %d: %s", code, out)
	}
	return after[len(after)-1]
}

// copies returns the copies of a folder, the oldest first.
func copies(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "token-usage-*Z.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// certificateFiles makes a certificate for 127.0.0.1 that vouches for itself.
func certificateFiles(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
