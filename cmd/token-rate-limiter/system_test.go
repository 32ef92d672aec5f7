package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bareSystem is set where this test's program runs as if it were alone in an image.
const bareSystem = "TEST_BARE_SYSTEM"

// lookAtBareSystem returns 0 if there are authorities and time zones all the same.
func lookAtBareSystem() int {
	authorities, err := x509.SystemCertPool()
	if err != nil || authorities.Equal(x509.NewCertPool()) {
		fmt.Println("there are no authorities:", err)
		return 1
	}
	if _, err := time.LoadLocation("Asia/Seoul"); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// TestNothingIsNeededOfTheSystem: an image that has nothing but the program can still tell
// whom to trust, and what the time is elsewhere.
func TestNothingIsNeededOfTheSystem(t *testing.T) {
	unshared, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("no program here runs another one with an empty folder in place of the system's files")
	}
	// An empty folder hides what the system has.
	hide := `for d in /etc/ssl /etc/pki /usr/share/zoneinfo /usr/local/share/certs /usr/share/ca-certificates "$(go env GOROOT)/lib/time"; do
		if [ -d "$d" ]; then mount -t tmpfs none "$d" || exit 99; fi
	done
	exec "$0"`
	c := exec.Command(unshared, "--user", "--map-root-user", "--mount", "sh", "-c", hide, os.Args[0])
	c.Env = append(os.Environ(), bareSystem+"=1", "SSL_CERT_FILE=", "ZONEINFO=")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() == 99 || strings.HasPrefix(string(out), "unshare:") {
		t.Skipf("nothing can be mounted here: %s", out)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
