package k8s

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// result is what a program came to.
type result struct {
	stdout, stderr string
	err            error
}

// warned reports whether the API server warned: kubectl and helm print it on stderr,
// the latter as a line of its log.
func (r result) warned() bool {
	for line := range strings.Lines(r.stderr) {
		// What kubectl itself says where `apply` meets `create`, or `rollout undo` meets `apply`.
		own := strings.Contains(line, "kubectl.kubernetes.io/last-applied-configuration annotation")
		// What client-go says of a watch that it ends itself.
		own = own || strings.Contains(line, "reflector.go")
		if !own && (strings.Contains(line, "Warning:") || strings.Contains(line, "warnings.go") || strings.Contains(line, "would violate")) {
			return true
		}
	}
	return false
}

// try runs a program of the tools, or one by its path, at the cluster.
func (c *cluster) try(program string, args ...string) result {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	path := []string{tools["kubernetes"], tools["helm"], os.Getenv("PATH")}
	switch program {
	case "kubectl":
		program = filepath.Join(tools["kubernetes"], program)
	case "helm":
		program = filepath.Join(tools["helm"], program)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.work
	cmd.Env = []string{"HOME=" + c.folder, "KUBECONFIG=" + c.kubeconfig, "PATH=" + strings.Join(path, ":")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return result{stdout.String(), stderr.String(), err}
}

// run runs a program as try does. An error or a warning fails the test.
func (c *cluster) run(program string, args ...string) string {
	c.t.Helper()
	r := c.try(program, args...)
	if r.err != nil || r.warned() {
		c.t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), r.err, r.stdout, r.stderr)
	}
	return r.stdout
}

// kubectl runs kubectl as run does.
func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	return c.run("kubectl", args...)
}

// object reads the object that `kubectl get` finds.
func (c *cluster) object(into any, args ...string) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.kubectl(append([]string{"get", "-o", "json"}, args...)...)), into); err != nil {
		c.t.Fatal(err)
	}
}

// list reads the objects that `kubectl get` finds.
func (c *cluster) list(items any, args ...string) {
	c.t.Helper()
	c.object(&struct{ Items any }{items}, args...)
}

// pods reads the pods of a namespace that have the labels.
func (c *cluster) pods(namespace, labels string) []pod {
	c.t.Helper()
	var pods []pod
	c.list(&pods, "pods", "-n", namespace, "-l", labels)
	return pods
}
