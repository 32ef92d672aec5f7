package script_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeployWithoutCluster: where no cluster answers, every way to run the script says so and what to do.
func TestDeployWithoutCluster(t *testing.T) {
	folder := t.TempDir()
	kubectl := kubectlProgram(t)
	config := filepath.Join(folder, "config")
	text := fmt.Sprintf(`
apiVersion: v1
kind: Config
clusters: [{name: away, cluster: {server: "http://127.0.0.1:%d"}}]
contexts: [{name: away, context: {cluster: away, user: nobody}}]
users: [{name: nobody, user: {}}]
current-context: away
`, freePort(t))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kubectl, kubeconfig, want string
		arguments                       []string
	}{
		{"no kubectl", "no-such-kubectl", config, "there is no no-such-kubectl", nil},
		{"no context", kubectl, filepath.Join(folder, "none"), "no cluster answers", nil},
		{"a cluster that is away", kubectl, config, "no cluster answers", []string{"--dry-run"}},
		{"a context that is not there", kubectl, config, "no cluster answers", []string{"--context", "other", "--delete"}},
	} {
		out, code := run(t, []string{"KUBECTL=" + c.kubectl, "KUBECONFIG=" + c.kubeconfig, "HOME=" + folder}, "scripts/deploy-k8s.sh", c.arguments...)
		if code != 1 || !strings.Contains(out, "deploy-k8s: "+c.want) {
			t.Errorf("%s: %d: %s", c.name, code, out)
		}
	}
}

// TestDeployWithoutRights: a cluster that lets nobody in is told in its own words, and nothing is sent to it
// but the question who is there.
func TestDeployWithoutRights(t *testing.T) {
	var asked []string
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nobody may come in","reason":"Forbidden","code":403}`, http.StatusForbidden)
	}))
	defer cluster.Close()
	config := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],
"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}],"current-context":"c"}`, cluster.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := run(t, []string{"KUBECTL=" + kubectlProgram(t), "KUBECONFIG=" + config}, "scripts/deploy-k8s.sh")
	if code != 1 || !strings.Contains(out, "no cluster answers") {
		t.Errorf("%d: %s", code, out)
	}
	for _, request := range asked {
		if request != "GET /version" {
			t.Errorf("the cluster was asked for %s", request)
		}
	}
}

// silent is a kubectl whose cluster takes everything, and does not answer when it is asked what there is.
const silent = `#!/bin/sh
case "$*" in
  *"get -R -f"*) echo "the connection was lost" >&2 && exit 1 ;;
  *" patch "*) cat >/dev/null ;;
esac
`

// TestDeployWhereTheClusterStopsToAnswer: what is not known is not said to run, and not said to be gone.
func TestDeployWhereTheClusterStopsToAnswer(t *testing.T) {
	kubectl := filepath.Join(t.TempDir(), "kubectl")
	if err := os.WriteFile(kubectl, []byte(silent), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{nil, {"--delete"}} {
		out, code := run(t, []string{"KUBECTL=" + kubectl}, "scripts/deploy-k8s.sh", arguments...)
		if code != 1 || !strings.Contains(out, "the connection was lost") || strings.Contains(out, "The gateways run") || strings.Contains(out, "nothing of") {
			t.Errorf("%v: %d: %s", arguments, code, out)
		}
	}
}

// kubectlProgram returns a kubectl: the one that is installed, or the one that make k8s-test has built.
func kubectlProgram(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("kubectl"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Glob(filepath.Join(cache, "token-rate-limiter/tools/kubernetes-*/kubectl"))
	if err != nil || len(built) == 0 {
		t.Skip("there is no kubectl: test/k8s runs the script with one")
	}
	return built[0]
}
