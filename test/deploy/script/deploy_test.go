package script_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
