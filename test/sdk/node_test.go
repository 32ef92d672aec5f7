package sdk

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a call may take, the waits of retries included.
const patience = 90 * time.Second

// nodeLibrary is a library for Node in a process of its own: node/driver.mjs.
type nodeLibrary struct {
	script string
	in     io.WriteCloser
	stderr bytes.Buffer // to be read after the end
	ended  chan struct{}
	err    error // of the process, after ended

	mu      sync.Mutex
	last    int
	waiting map[int]chan outcome
}

// startNode starts a script of the folder node.
func startNode(t *testing.T, script string) *nodeLibrary {
	t.Helper()
	needNode(t)
	n := &nodeLibrary{script: script, ended: make(chan struct{}), waiting: map[int]chan outcome{}}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stderr = "node", &n.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if n.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(n.ended)
		if n.err = n.read(out); n.err != nil {
			_ = cmd.Process.Kill() // what it writes is not understood
		}
		n.err = errors.Join(n.err, cmd.Wait())
	}()
	return n
}

// needNode fails where node or the libraries are missing, or are not those of
// the lock file.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is missing, without which no library for it can be tested: make needs")
	}
	lock, err := os.ReadFile(filepath.Join("node", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	installed, _ := os.ReadFile(filepath.Join("node", "node_modules", ".installed")) // missing is another one
	if got, want := strings.TrimSpace(string(installed)), hex.EncodeToString(sum[:]); got != want {
		t.Fatal("test/sdk/node/node_modules does not hold what package-lock.json lists: make needs")
	}
}

// read hands out outcomes until the process ends.
func (n *nodeLibrary) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return fmt.Errorf("%w: %s", err, lines.Bytes())
		}
		n.mu.Lock()
		if c := n.waiting[o.ID]; c != nil {
			c <- o
			delete(n.waiting, o.ID)
		}
		n.mu.Unlock()
	}
	return lines.Err()
}

func (n *nodeLibrary) run(ctx context.Context, c call) (outcome, error) {
	came := make(chan outcome, 1)
	if err := n.send(c, came); err != nil {
		return outcome{}, fmt.Errorf("node %s: %w", n.script, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case o := <-came:
		return o, nil
	case <-n.ended:
		return outcome{}, fmt.Errorf("node %s has ended: %w\n%s", n.script, n.err, n.stderr.Bytes())
	case <-ctx.Done():
		return outcome{}, fmt.Errorf("node %s: no outcome of %q: %w", n.script, c.Check, ctx.Err())
	}
}

// send hands a call to the process, whose outcome is sent to came.
func (n *nodeLibrary) send(c call, came chan outcome) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	c.ID = n.last
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	n.waiting[c.ID] = came
	_, err = n.in.Write(append(line, '\n'))
	return err
}

// close ends the process: it ends with its input.
func (n *nodeLibrary) close() {
	_ = n.in.Close() // a process that has ended has closed it
	<-n.ended
}
