package k8s

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds every wait for something that is to happen at once; it is
// long because machines are busy.
const patience = 90 * time.Second

// process is a server that a test runs.
type process struct {
	name   string
	log    string // the file that has its output
	exited chan struct{}
}

// start runs the program at path until the end of the test, with its output in a file
// of folder.
func start(t *testing.T, folder, path string, args ...string) *process {
	t.Helper()
	p := &process{name: filepath.Base(path), exited: make(chan struct{})}
	p.log = filepath.Join(folder, p.name+".log")
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = folder, []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		out.Close()
		close(p.exited)
	}()
	t.Cleanup(func() {
		select {
		case <-p.exited:
			t.Errorf("%s ended by itself:\n%s", p.name, p.tail())
		default:
		}
		// Its data are thrown away: nothing is gained by a polite end.
		_ = cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// await asks until answer is true. It fails the test where the process ends before.
func (p *process) await(t *testing.T, answer func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !answer(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.exited:
			t.Fatalf("%s ended at once:\n%s", p.name, p.tail())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not answer within %v", p.name, patience)
		}
	}
}

// tail returns the last part of what the process wrote.
func (p *process) tail() string {
	const most = 4000
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}

// freePorts returns n ports of loopback that nothing listens on.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		// Open until all are known, so that they differ.
		defer l.Close()
		if _, ports[i], err = net.SplitHostPort(l.Addr().String()); err != nil {
			t.Fatal(err)
		}
	}
	return ports
}

// eventually asks until answer returns "", which says what is still missing.
func eventually(t *testing.T, answer func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for missing := answer(); missing != ""; missing = answer() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still: %s", patience, missing)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
