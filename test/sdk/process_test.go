package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience is how long a call may take, the waits of retries included.
const patience = 90 * time.Second

// process is a program that runs the checks of libraries: node/driver.mjs and
// python/driver.py say how it is spoken to.
type process struct {
	name   string
	in     io.WriteCloser
	stderr bytes.Buffer // to be read after the end
	ended  chan struct{}
	err    error // of the process, after ended

	mu      sync.Mutex
	last    int
	waiting map[int]chan outcome
}

// startProcess starts a program that runs a script of a folder, and waits until it
// answers: what is imported may take seconds, in which a limit has room again.
func startProcess(t *testing.T, folder, program, script string) *process {
	t.Helper()
	p := &process{name: folder + "/" + script, ended: make(chan struct{}), waiting: map[int]chan outcome{}}
	cmd := exec.Command(program, script)
	cmd.Dir, cmd.Stderr = folder, &p.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		if p.err = p.read(out); p.err != nil {
			_ = cmd.Process.Kill() // what it writes is not understood
		}
		p.err = errors.Join(p.err, cmd.Wait())
	}()
	if _, err := p.run(t.Context(), call{Check: "nothing"}); err != nil { // of which it says so
		t.Fatal(err)
	}
	return p
}

// read hands out outcomes until the process ends.
func (p *process) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return fmt.Errorf("%w: %s", err, lines.Bytes())
		}
		p.mu.Lock()
		if c := p.waiting[o.ID]; c != nil {
			c <- o
			delete(p.waiting, o.ID)
		}
		p.mu.Unlock()
	}
	return lines.Err()
}

func (p *process) run(ctx context.Context, c call) (outcome, error) {
	came := make(chan outcome, 1)
	if err := p.send(c, came); err != nil {
		return outcome{}, fmt.Errorf("%s: %w", p.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case o := <-came:
		return o, nil
	case <-p.ended:
		return outcome{}, fmt.Errorf("%s has ended: %w\n%s", p.name, p.err, p.stderr.Bytes())
	case <-ctx.Done():
		return outcome{}, fmt.Errorf("%s: no outcome of %q: %w", p.name, c.Check, ctx.Err())
	}
}

// send hands a call to the process, whose outcome is sent to came.
func (p *process) send(c call, came chan outcome) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	c.ID = p.last
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	p.waiting[c.ID] = came
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// close ends the process: it ends with its input.
func (p *process) close() {
	_ = p.in.Close() // a process that has ended has closed it
	<-p.ended
}
