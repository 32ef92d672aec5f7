package app

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// checked returns what is wrong with a configuration, a line for each mistake.
func checked(t *testing.T, text string) []string {
	t.Helper()
	_, err := config.Load(config.Options{
		Dir: ".", Files: fstest.MapFS{"application.yml": {Data: []byte(text)}}, Check: CheckFiles,
		Env: func(string) (string, bool) { return "", false },
	})
	var list config.Errors
	if err != nil && !errors.As(err, &list) {
		t.Fatal(err)
	}
	lines := []string{}
	for _, e := range list {
		lines = append(lines, e.Error())
	}
	return lines
}

// TestCheckFiles: every file is told with its place, all at once and together with
// what else is wrong.
func TestCheckFiles(t *testing.T) {
	a, b := tlstest.New(t), tlstest.New(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	text := file("text.pem", "hunter2")
	broken := file("broken.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hunter2")})))
	encrypted := file("encrypted.pem", string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("hunter2")})))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const model = "vllm: {services: {m: http://h}}\n"
	const (
		noCertificate = "has no certificate (PEM); write the name of a file with the certificate, followed by those that vouch for it"
		noKey         = "has no private key (PEM); write the name of the file with the key of the certificate"
		noAuthority   = "has no certificate (PEM); write the name of a file with the certificates of authorities"
		together      = "; write two files that belong together, the key without a passphrase"
	)
	missing := "cannot be read: " + syscall.ENOENT.Error()
	for what, tt := range map[string]struct {
		text string
		want []string // without the file's name; %q of files
	}{
		"all is well": {fmt.Sprintf("server: {tls: %s}\nredis: {tls: {enabled: true, ca-file: %q, certificate: %[2]q, key: %[3]q}}\n"+
			"vllm: {services: {m: {endpoints: [https://h], ca-file: %[2]q}}}\n", a.YAML(), a.Certificate, a.Key), nil},
		"nothing there": {"server: {tls: {certificate: /none/a, key: none/b}}\nredis: {tls: {enabled: true, ca-file: /none/c, certificate: /none/d, key: /none/e}}\n" +
			"vllm:\n  services:\n    m: {endpoints: [https://h], ca-file: /none/f}\n    n.1: {endpoints: [https://h], ca-file: /none/g}\n", []string{
			`1:29: server.tls.certificate: "/none/a" ` + missing + "; create it, or write the name of another file",
			`1:43: server.tls.key: "none/b" ` + missing + "; create it, or write the name of another file, as seen from " + here,
			`2:39: redis.tls.ca-file: "/none/c" ` + missing + "; create it, or write the name of another file",
			`2:61: redis.tls.certificate: "/none/d" ` + missing + "; create it, or write the name of another file",
			`2:75: redis.tls.key: "/none/e" ` + missing + "; create it, or write the name of another file",
			`5:42: vllm.services.m.ca-file: "/none/f" ` + missing + "; create it, or write the name of another file",
			`6:44: vllm.services["n.1"].ca-file: "/none/g" ` + missing + "; create it, or write the name of another file",
		}},
		"of an issuer of tokens": {"vllm: {services: {m: http://h}}\nauth:\n  jwt:\n    issuers:\n      - {issuer: https://i, audiences: [a], algorithms: [RS256], map: {user: {prefix: a}}}\n" +
			"      - {issuer: https://j, audiences: [a], algorithms: [RS256], ca-file: /none/i, map: {user: {prefix: b}}}\n", []string{
			`6:75: auth.jwt.issuers[1].ca-file: "/none/i" ` + missing + "; create it, or write the name of another file",
		}},
		"together with others": {"server: {idle-timeout: 2, tls: {certificate: /none/a}}\nvllm: {services: {m: {endpoints: [h], ca-file: /none/f}}}\n", []string{
			`1:24: server.idle-timeout: "2" has no unit; write 2ms for milliseconds, or 2s for seconds`,
			`1:32: server.tls: has one of certificate and key; write both or none`,
			`1:46: server.tls.certificate: "/none/a" ` + missing + "; create it, or write the name of another file",
			`2:35: vllm.services.m.endpoints[0]: "h" is not an http or https URL; write an address such as http://host:8000`,
			`2:48: vllm.services.m.ca-file: "/none/f" ` + missing + "; create it, or write the name of another file",
		}},
		"a folder": {fmt.Sprintf("vllm: {services: {m: {endpoints: [https://h], ca-file: %q}}}\n", dir), []string{
			fmt.Sprintf("1:56: vllm.services.m.ca-file: %q cannot be read: it is no regular file; write the name of a file that the user of the gateway can read", dir),
		}},
		"authorities that are none": {fmt.Sprintf("redis: {tls: {enabled: true, ca-file: %q}}\nvllm: {services: {m: {endpoints: [https://h], ca-file: %q}}}\n", text, a.Key), []string{
			fmt.Sprintf("1:39: redis.tls.ca-file: %q %s", text, noAuthority),
			fmt.Sprintf("2:56: vllm.services.m.ca-file: %q %s", a.Key, noAuthority),
		}},
		"a file from a variable": {"vllm: {services: {m: {endpoints: [https://h], ca-file: '${CA:/none/f}'}}}\n", []string{
			`1:56: vllm.services.m.ca-file: "/none/f" (from ${CA}) ` + missing + "; create it, or write the name of another file",
		}},
		"files that nobody uses": {"redis: {tls: {ca-file: /none/c}}\n" + model, nil},
		"neither nor": {fmt.Sprintf("server: {tls: {certificate: %q, key: %q}}\n", text, broken) + model, []string{
			fmt.Sprintf("1:29: server.tls.certificate: %q %s", text, noCertificate),
			fmt.Sprintf("1:%d: server.tls.key: %q %s", 29+len(text)+2+7, broken, noKey),
		}},
		"a broken certificate": {fmt.Sprintf("server: {tls: {key: %q, certificate: %q}}\n", a.Key, broken) + model, []string{
			fmt.Sprintf("1:%d: server.tls.certificate: %q %s", 21+len(a.Key)+2+15, broken, noCertificate),
		}},
		"the key of another": {fmt.Sprintf("server:\n  tls:\n    certificate: %q\n    key: %q\n", a.Certificate, b.Key) + model, []string{
			fmt.Sprintf("4:10: server.tls.key: %q is not the key of %q: private key does not match public key%s", b.Key, a.Certificate, together),
		}},
		"an encrypted key": {fmt.Sprintf("server:\n  tls:\n    certificate: %q\n    key: %q\n", a.Certificate, encrypted) + model, []string{
			fmt.Sprintf("4:10: server.tls.key: %q is not the key of %q: failed to parse private key%s", encrypted, a.Certificate, together),
		}},
	} {
		t.Run(what, func(t *testing.T) {
			want := []string{}
			for _, line := range tt.want {
				want = append(want, "application.yml:"+line)
			}
			got := checked(t, tt.text)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), "hunter2") {
				t.Error("the content of a file is told")
			}
		})
	}
}
