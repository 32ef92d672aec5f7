package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// modelServer is the program's own stand-in for a model server, in a process of
// its own. Its ledger is a file that is complete when it has ended.
type modelServer struct {
	*process
	url  string
	file string
}

// startModelServer runs a model server of these models.
func startModelServer(t testing.TB, models ...string) *modelServer {
	t.Helper()
	m := &modelServer{file: filepath.Join(t.TempDir(), "ledger.jsonl")}
	address := freeAddress(t)
	args := []string{"mock-vllm", "--address", address, "--ledger", m.file}
	for _, name := range models {
		args = append(args, "--model", name)
	}
	m.process, m.url = start(t, args...), "http://"+address
	m.stdout.await(t, "listens on "+m.url)
	return m
}

// books ends the model server and returns the entries of its ledger that
// generated something, in the order in which they began.
func (m *modelServer) books(t testing.TB) books {
	t.Helper()
	m.signal(syscall.SIGTERM)
	if code := m.wait(t); code != 0 {
		t.Fatalf("the model server ended with %d", code)
	}
	f, err := os.Open(m.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b books
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e mockvllm.Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		if e.Output > 0 {
			b = append(b, e)
		}
	}
	slices.SortFunc(b, func(x, y mockvllm.Entry) int { return x.Start.Compare(y.Start) })
	return b
}

// books are entries of a ledger, in the order in which they began.
type books []mockvllm.Entry

// of returns the entries of a model, and of a user unless it is empty.
func (b books) of(model, user string) books {
	var found books
	for _, e := range b {
		if e.Model == model && (user == "" || e.User == user) {
			found = append(found, e)
		}
	}
	return found
}

// tokens returns what was really spent.
func (b books) tokens() (sum int64) {
	for _, e := range b {
		sum += e.Input + e.Output
	}
	return sum
}

// fullest returns the most tokens that began within any interval of length d.
func (b books) fullest(d time.Duration) (most int64) {
	var sum int64
	first := 0
	for _, e := range b {
		sum += e.Input + e.Output
		for e.Start.Sub(b[first].Start) > d {
			sum -= b[first].Input + b[first].Output
			first++
		}
		most = max(most, sum)
	}
	return most
}

// maxRunning returns how many requests were in flight at most.
func (b books) maxRunning() (most int) {
	for _, e := range b {
		most = max(most, e.InFlight)
	}
	return most
}
