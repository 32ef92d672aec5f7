package k8s

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// script is how the documents install k8s/.
const script = "scripts/deploy-k8s.sh"

// TestDeployScript runs the script through what it can do, on a cluster that has
// nothing, on one that has it all, and on one that has only volumes left.
func TestDeployScript(t *testing.T) {
	c := newCluster(t)
	c.run(script, "--dry-run")
	if left := c.kubectl("get", "namespaces", "-o", "name"); strings.Contains(left, namespace) {
		t.Fatalf("--dry-run has made a namespace: %s", left)
	}

	c.run(script, "--wait-models")
	c.checkInstalled(namespace)
	password := c.password()
	if password == "" {
		t.Error("Redis has no password")
	}

	if said := c.run(script, "--dry-run"); strings.Contains(said, " created") {
		t.Errorf("with everything there, --dry-run would make something:\n%s", said)
	}
	const image = "registry.example.com/token-rate-limiter:1.2.3"
	c.run(script, "--image", image)
	c.checkInstalled(namespace)
	if got := c.kubectl("get", "deployment", "token-rate-limiter", "-n", namespace, "-o", "jsonpath={.spec.template.spec.containers[*].image}"); got != image {
		t.Errorf("--image %s has brought the image %s", image, got)
	}
	if c.password() != password {
		t.Error("the second run has changed the password of Redis")
	}

	volumes := c.kubectl("get", "pvc", "-n", namespace, "-o", "name")
	c.run(script, "--delete")
	if left := c.kubectl("get", "deployments,statefulsets,services,secrets,configmaps,networkpolicies,ingresses", "-n", namespace, "-o", "name"); strings.TrimSpace(left) != "configmap/kube-root-ca.crt" {
		t.Errorf("--delete has left\n%s", left)
	}
	if left := c.kubectl("get", "pvc", "-n", namespace, "-o", "name"); left != volumes || left == "" {
		t.Errorf("--delete has not left the volumes\n%sbut\n%s", volumes, left)
	}
	c.run(script)
	c.checkInstalled(namespace)
}

// TestDeployScriptFails runs the script where a roll-out does not end.
func TestDeployScriptFails(t *testing.T) {
	c := newCluster(t)
	c.kubectl("delete", "nodes", "--all")
	r := c.try(script, "--timeout", "20s")
	if r.err == nil || !strings.Contains(r.stderr, "is not there after 20s") || !strings.Contains(r.stderr, "FailedScheduling") {
		t.Errorf("without a node it says: %v\n%s%s", r.err, r.stdout, r.stderr)
	}
}

// password returns the password of Redis that the cluster keeps.
func (c *cluster) password() string {
	c.t.Helper()
	return c.kubectl("get", "secret", "token-rate-limiter", "-n", namespace, "-o", "jsonpath={.data.REDIS_PASSWORD}")
}

// TestDeployScriptWithoutCluster: where no cluster answers, every way to run the script says so.
func TestDeployScriptWithoutCluster(t *testing.T) {
	c := &cluster{t: t, folder: t.TempDir(), work: root}
	away := c.known("http://127.0.0.1:" + freePorts(t, 1)[0])
	for _, m := range []struct {
		name, kubectl, kubeconfig, says string
		args                            []string
	}{
		{"no kubectl", "no-such-kubectl", away, "there is no no-such-kubectl", nil},
		{"no context", "kubectl", c.folder + "/none", "no cluster answers", nil},
		{"a cluster that is away", "kubectl", away, "no cluster answers", []string{"--dry-run"}},
		{"a context that is not there", "kubectl", away, "no cluster answers", []string{"--context", "other", "--delete"}},
	} {
		c.kubeconfig = m.kubeconfig
		r := c.try("env", append([]string{"KUBECTL=" + m.kubectl, script}, m.args...)...)
		if r.err == nil || !strings.Contains(r.stderr, "deploy-k8s: "+m.says) {
			t.Errorf("%s: %v\n%s%s", m.name, r.err, r.stdout, r.stderr)
		}
	}
}

// TestDeployScriptWithoutRights: a cluster that lets nobody in is asked who it is, and for nothing else.
func TestDeployScriptWithoutRights(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.URL.Path)
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nobody may come in","reason":"Forbidden","code":403}`, http.StatusForbidden)
	}))
	defer server.Close()
	c := &cluster{t: t, folder: t.TempDir(), work: root}
	c.kubeconfig = c.known(server.URL)
	if r := c.try(script); r.err == nil || !strings.Contains(r.stderr, "no cluster answers") {
		t.Errorf("%v\n%s%s", r.err, r.stdout, r.stderr)
	}
	mu.Lock()
	defer mu.Unlock()
	if others := slices.DeleteFunc(slices.Clone(asked), func(a string) bool { return a == "GET /version" }); len(asked) == 0 || len(others) > 0 {
		t.Errorf("the cluster was asked for %v", asked)
	}
}

// known writes a kubeconfig for the server at a URL and returns its path.
func (c *cluster) known(url string) string {
	c.t.Helper()
	return c.write("config", fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],
"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}],"current-context":"c"}`, url))
}
