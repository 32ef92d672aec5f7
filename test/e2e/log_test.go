package e2e

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quiet starts the program with args so that nothing can be read of it, and
// waits until path answers at address.
func quiet(t *testing.T, p *process, address, path string) client {
	t.Helper()
	p.begin(t)
	c := newClient(t, "http://"+address)
	eventually(t, patience, "answers at "+path, func() bool {
		status, _ := c.get(path)
		return status == http.StatusOK
	})
	return c
}

// serving is what the output of a gateway on an address is tested with.
func serving(address string) []string {
	return []string{"serve", "--config", shipped, "--profile", "dev", "--address", address}
}

// checkServes sends several requests, for the first write to a broken output
// may pass, and ends the program in order.
func checkServes(t *testing.T, p *process, c client) {
	t.Helper()
	for range 5 {
		a := c.send(t.Context(), chat{user: "alice", tokens: 3, stream: true})
		if a.status != http.StatusOK || a.err != nil {
			t.Fatalf("the answer is %d %v %s", a.status, a.err, a.body)
		}
		// An answer that is logged at another level.
		if a := c.send(t.Context(), chat{user: "alice", model: "nobody-knows"}); a.status != http.StatusNotFound {
			t.Fatalf("the answer is %d %v %s", a.status, a.err, a.body)
		}
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(t); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

func TestGatewayServesWithAFullDiskUnderItsLog(t *testing.T) {
	t.Parallel()
	full := openFull(t)
	address := freeAddress(t)
	p := &process{cmd: command(serving(address)...)}
	p.cmd.Stdout, p.cmd.Stderr = full, full
	c := quiet(t, p, address, "/actuator/health/readiness")
	eventually(t, patience, "the lines of its start are counted as lost", func() bool {
		_, text := c.get("/actuator/prometheus")
		return strings.Contains(text, "\nlog_lines_lost_total ") && !strings.Contains(text, "\nlog_lines_lost_total 0\n")
	})
	checkServes(t, p, c)
}

func TestGatewayServesWithItsOutputClosed(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := &process{cmd: exec.Command("sh", append([]string{"-c", `exec "$0" "$@" >&- 2>&-`, program}, serving(address)...)...)}
	checkServes(t, p, quiet(t, p, address, "/actuator/health/readiness"))
}

// TestGatewayServesWhenItsLogReaderDied: whoever reads the log may crash, and
// must not take the gateway along.
func TestGatewayServesWhenItsLogReaderDied(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := &process{cmd: command(serving(address)...)}
	r, w := pipe(t)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	r.Close()
	c := quiet(t, p, address, "/actuator/health/readiness")
	w.Close()
	checkServes(t, p, c)
}

// TestGatewayServesWhenItsLogReaderHangs: nobody takes what it writes, and nobody has
// closed the pipe.
func TestGatewayServesWhenItsLogReaderHangs(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := &process{cmd: command(serving(address)...)}
	_, w := pipe(t)
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(make([]byte, 16<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the pipe took %d bytes: %v", n, err)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, w
	checkServes(t, p, quiet(t, p, address, "/actuator/health/readiness"))
}

// TestModelServerGoesOnWithoutItsLedger: it says at its end what went wrong.
func TestModelServerGoesOnWithoutItsLedger(t *testing.T) {
	t.Parallel()
	openFull(t).Close()
	address := freeAddress(t)
	p := &process{cmd: command("mock-vllm", "--address", address, "--model", model, "--ledger", "/dev/full")}
	p.cmd.Stderr = &p.stderr
	c := quiet(t, p, address, "/health")
	for range 40 {
		if a := c.send(t.Context(), chat{user: "alice", tokens: 3}); a.status != http.StatusOK || a.err != nil {
			t.Fatalf("the answer is %d %v %s", a.status, a.err, a.body)
		}
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(t); code == 0 || len(p.stderr.lines("no space left")) == 0 {
		t.Errorf("it ended with %d and said %q", code, p.stderr.String())
	}
}

// pipe returns both ends of a pipe, which are open until the test ends.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// openFull opens a device on which nothing can be written.
func openFull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.FromSlash("/dev/full"), os.O_WRONLY, 0)
	if os.IsNotExist(err) {
		t.Skip("this system has no /dev/full")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
