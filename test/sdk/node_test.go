package sdk

import (
	"os/exec"
	"testing"
)

// startNode starts a script of the folder node.
func startNode(t *testing.T, script string) *process {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is missing, without which no library for it can be tested: make needs")
	}
	needInstalled(t, "node/package-lock.json", "node/node_modules")
	return startProcess(t, "node", "node", script)
}
