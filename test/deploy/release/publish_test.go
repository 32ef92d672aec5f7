package release_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

const version = "v1.2.3"

// settings are what the go command and buildah need of the test's environment.
func settings(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	storage := filepath.Join(folder, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", folder+"/graph", folder+"/run")
	if err := os.WriteFile(storage, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	own := []string{"CONTAINERS_STORAGE_CONF=" + storage, "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot", "PLAIN_HTTP=1"}
	return append(own, slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !strings.HasPrefix(v, "GO") && !strings.HasPrefix(v, "XDG_CACHE")
	})...)
}

// TestPublish publishes a version twice, and reads it as those who install it will.
func TestPublish(t *testing.T) {
	deploytest.Need(t, "buildah")
	if os.Geteuid() != 0 {
		t.Skip("buildah needs root here")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	env := settings(t)
	outputs := publish(t, env, host+"/owner")
	for name, repository := range map[string]string{"image": "owner/token-rate-limiter", "chart": "owner/charts/token-rate-limiter"} {
		digest := outputs[name+"-digest"]
		if outputs[name+"-name"] != host+"/"+repository || outputs[name] != host+"/"+repository+"@"+digest {
			t.Errorf("%s: %v", name, outputs)
		}
		if got := fmt.Sprintf("sha256:%x", sha256.Sum256(get(t, server.URL, repository, "manifests/1.2.3"))); got != digest {
			t.Errorf("%s: the tag 1.2.3 is %s, and %s was told", name, got, digest)
		}
	}
	checkImage(t, server.URL)
	checkChart(t, server.URL)
	again := publish(t, env, host+"/again")
	if again["image-digest"] != outputs["image-digest"] {
		t.Errorf("the image of one commit is %s, and %s", outputs["image-digest"], again["image-digest"])
	}
}

// publish runs the target of make, and returns its outputs.
func publish(t *testing.T, env []string, registry string) map[string]string {
	t.Helper()
	cmd := deploytest.Command(env, "make", "--no-print-directory", "-s", "publish", "VERSION="+version, "REGISTRY="+registry)
	cmd.Dir = deploytest.Root
	outputs := map[string]string{}
	for line := range strings.Lines(deploytest.Output(t, cmd)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || !regexp.MustCompile(`^[a-z-]+$`).MatchString(name) {
			t.Errorf("%q is no output of a step", line)
		}
		outputs[name] = value
	}
	return outputs
}

// get reads from the registry.
func get(t *testing.T, base, repository, what string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v2/"+repository+"/"+what, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %s", what, answer.StatusCode, err, body)
	}
	return body
}

func decode[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

type descriptor struct {
	Digest   string
	Platform struct{ OS, Architecture string }
}

type manifest struct {
	Manifests []descriptor // of an index
	Config    descriptor
}

// checkImage wants an image for each architecture, of this version, that is not root's.
func checkImage(t *testing.T, base string) {
	t.Helper()
	const repository = "owner/token-rate-limiter"
	var platforms []string
	for _, d := range decode[manifest](t, get(t, base, repository, "manifests/1.2.3")).Manifests {
		platforms = append(platforms, d.Platform.OS+"/"+d.Platform.Architecture)
		m := decode[manifest](t, get(t, base, repository, "manifests/"+d.Digest))
		c := decode[struct {
			Architecture string
			Config       struct {
				User   string
				Labels map[string]string
			}
		}](t, get(t, base, repository, "blobs/"+m.Config.Digest))
		if l := c.Config.Labels["org.opencontainers.image.version"]; l != version || c.Config.User != "65532:65532" || c.Architecture != d.Platform.Architecture {
			t.Errorf("%+v is in %+v", c, d)
		}
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}

// checkChart wants the chart of this version, which installs the image of this version.
func checkChart(t *testing.T, base string) {
	t.Helper()
	const repository = "owner/charts/token-rate-limiter"
	m := decode[manifest](t, get(t, base, repository, "manifests/1.2.3"))
	c := decode[struct{ Name, Version, AppVersion string }](t, get(t, base, repository, "blobs/"+m.Config.Digest))
	if c.Name != "token-rate-limiter" || c.Version != "1.2.3" || c.AppVersion != "1.2.3" {
		t.Errorf("the chart is %+v", c)
	}
}

// TestPublishRefuses is about versions and registries that are none.
func TestPublishRefuses(t *testing.T) {
	for _, arguments := range [][]string{{}, {version}, {"1.2.3", "example.com/a"}, {"latest", "example.com/a"}, {version, ""}, {version, "a", "b"}} {
		cmd := deploytest.Command(nil, append([]string{"scripts/publish.sh"}, arguments...)...)
		cmd.Dir = deploytest.Root
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%q ends with %d: %s", arguments, cmd.ProcessState.ExitCode(), out)
		}
	}
}
