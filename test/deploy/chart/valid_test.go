package chart

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestValueFiles wants the chart right with each of its files of values: for helm, for the
// schemas of Kubernetes and its extensions, and for the gateway that reads the configuration.
func TestValueFiles(t *testing.T) {
	for name, file := range valueFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out := helm(t, "lint", "--strict", "charts/token-rate-limiter", "-f", file); !strings.Contains(out, "0 chart(s) failed") {
				t.Error(out)
			}
			rendered := render(t, "-f", file)
			validate(t, write(t, "manifests.yaml", rendered))
			checkConfiguration(t, configMap(t, rendered, "gateway-token-rate-limiter"))
		})
	}
}

// TestPlainManifests wants k8s/ right in the same ways.
func TestPlainManifests(t *testing.T) {
	var files []string
	for _, name := range filesOf(t, plain) {
		switch {
		case name == "Kustomization", name == "monitoring/servicemonitor.yaml":
		case strings.HasSuffix(name, ".yaml"):
			files = append(files, filepath.Join(plain, name))
		default: // kubectl-validate, too, goes by endings
			b, err := os.ReadFile(filepath.Join(plain, name))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, write(t, "optional.yaml", string(b)))
		}
	}
	validate(t, files...)
	b, err := os.ReadFile(plain + "/token-rate-limiter/configmap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checkConfiguration(t, configMap(t, string(b), "token-rate-limiter"))
}

// validate fails the test where a file is not what the schemas of Kubernetes say.
func validate(t *testing.T, files ...string) {
	t.Helper()
	if _, err := validation(t, files...); err != nil {
		t.Error(err)
	}
}

func validation(t *testing.T, files ...string) (string, error) {
	t.Helper()
	program, err := validatorProgram()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--version", "1.30"}
	for _, f := range folders {
		args = append(args, "--local-crds", f)
	}
	for _, f := range files {
		absolute, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, absolute)
	}
	return try(program, args...)
}

// definitions returns the folders of other people's definitions, which lie in the zips of modules.
var definitions = sync.OnceValues(func() (folders []string, err error) {
	for module, in := range map[string]string{
		"sigs.k8s.io/gateway-api":                            "config/crd/standard",
		"github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd",
	} {
		// list -m alone tells no folder of a module that was never fetched.
		if _, err := try("go", "-C", "tools/crds", "mod", "download", module); err != nil {
			return nil, err
		}
		folder, err := try("go", "-C", "tools/crds", "list", "-m", "-f", "{{.Dir}}", module)
		if err != nil {
			return nil, err
		}
		folders = append(folders, filepath.Join(strings.TrimSpace(folder), in))
	}
	return folders, nil
})

// checkConfiguration has the gateway check the files of a ConfigMap.
func checkConfiguration(t *testing.T, files map[string]string) {
	t.Helper()
	if _, err := try(deploytest.Binary(t), "check", "--config", configured(t, files)); err != nil {
		t.Error(err)
	}
}

// configured returns a folder of the files, with values for what they name of the environment
// and with stand-ins for what they name of other volumes.
func configured(t *testing.T, files map[string]string) string {
	t.Helper()
	in := t.TempDir()
	certificate, key := selfSigned(t, in)
	stand := strings.NewReplacer("/etc/token-rate-limiter-tls/tls.crt", certificate, "/etc/token-rate-limiter-tls/tls.key", key,
		"/etc/token-rate-limiter-redis/ca.crt", certificate,
		"${DATABASE_URL}", "postgres://gateway@127.0.0.1:1/control",
		"${ALICE_KEY_HASH}", "sha256:0000000000000000000000000000000000000000000000000000000000000000")
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(in, name), []byte(stand.Replace(content)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// selfSigned returns files of a certificate and its key.
func selfSigned(t *testing.T, in string) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(in, "tls.crt"), filepath.Join(in, "tls.key")
	run(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=gateway", "-addext", "subjectAltName=DNS:gateway", "-out", certificate, "-keyout", key)
	return certificate, key
}

// write returns the absolute path of a new file.
func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
