package k8s

import (
	"strings"
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
	c.run(script)
	c.checkInstalled(namespace)
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
	r := c.try(script, "--timeout", "5s")
	if r.err == nil || !strings.Contains(r.stderr, "is not there after 5s") || !strings.Contains(r.stderr, "FailedScheduling") {
		t.Errorf("without a node it says: %v\n%s%s", r.err, r.stdout, r.stderr)
	}
}

// password returns the password of Redis that the cluster keeps.
func (c *cluster) password() string {
	c.t.Helper()
	return c.kubectl("get", "secret", "token-rate-limiter", "-n", namespace, "-o", "jsonpath={.data.REDIS_PASSWORD}")
}
