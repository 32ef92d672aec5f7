package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveWithin is serve in an environment that limits the memory of the process.
func (s site) serveWithin(t testing.TB, memory string) *gateway {
	t.Helper()
	p := &process{cmd: command("serve", "--config", s.folder(t))}
	p.cmd.Env = append(p.cmd.Env, "GOMEMLIMIT="+memory)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.begin(t)
	return &gateway{p, newClient(t, "http://"+p.address(t))}
}

// residentMost returns the most memory that the process has had, in MiB.
func (p *process) residentMost(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("this system does not tell a process's memory")
	}
	line := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if line == nil {
		t.Fatalf("there is no VmHWM: %s", status)
	}
	kib, _ := strconv.Atoi(string(line[1]))
	return kib >> 10
}

// wantResident checks it. The race detector has some five bytes for each.
func (p *process) wantResident(t testing.TB, most int) {
	t.Helper()
	if len(buildFlags) > 0 {
		most *= 5
	}
	if n := p.residentMost(t); n > most {
		t.Errorf("the process has had %d MiB, want %d at the most", n, most)
	} else {
		t.Logf("the process has had %d MiB at the most", n)
	}
}

// metric returns the value of a metric without labels.
func (c client) metric(t testing.TB, name string) float64 {
	t.Helper()
	_, text := c.get("/actuator/prometheus")
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// dialPadded asks for an answer of so many bytes more, and reads nothing of it but its
// first line.
func dialPadded(t testing.TB, address, user string, size int, first bool) net.Conn {
	t.Helper()
	c := dial(t, address)
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"x"}],"mock":{"output_tokens":20,"padding_bytes":%d,"padding_first":%v}}`, model, size, first)
	write(t, c, fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-User-ID: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", user, len(body), body))
	return c
}

// padded asks for such an answer and reads it whole.
func (c client) padded(t testing.TB, path, user string, size int) (status int, b []byte, err error) {
	t.Helper()
	body := fmt.Sprintf(`{"model":%q,"input":"some words","messages":[{"role":"user","content":"x"}],"mock":{"output_tokens":20,"padding_bytes":%d}}`, model, size)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-ID", user)
	response, err := c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	b, err = io.ReadAll(response.Body)
	return response.StatusCode, b, err
}

// wantServed sends honest requests, small and large, and wants all answers.
func (g *gateway) wantServed(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if a := g.send(t.Context(), chat{user: "alice", tokens: 5, stream: i%2 == 0}); a.status != http.StatusOK || a.err != nil {
			t.Fatalf("honest request %d is answered with %d %v %s", i, a.status, a.err, a.body)
		}
		if i%10 == 0 {
			status, b, err := g.padded(t, "/v1/chat/completions", "alice", 3<<20)
			if status != http.StatusOK || err != nil || len(b) < 3<<20 || !json.Valid(b) {
				t.Fatalf("honest request %d for a large answer: %d %v, %d bytes", i, status, err, len(b))
			}
		}
	}
}

// TestAnswersThatNobodyReads: clients that ask for large answers and read nothing of
// them take next to no memory, whatever the answers have; others are served beside
// them, also large answers; and what was worked on is charged.
func TestAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	const clients, size, limit = 48, 20 << 20, "128MiB"
	ledger, server := newModelServer(t)
	s := site{server: server, models: map[string]string{model: fmt.Sprintf("{max-tokens-per-hour: 1000000000, max-concurrent-requests: %d}", clients+2)}}
	g := s.serveWithin(t, limit)
	address := strings.TrimPrefix(g.base, "http://")
	var deaf []net.Conn
	for i := range clients {
		deaf = append(deaf, dialPadded(t, address, fmt.Sprint("deaf-", i), size, i%2 == 0))
	}
	eventually(t, patience, "answers that nobody reads", func() bool { return ledger.InFlight(model) == clients })
	g.wantServed(t, 30)
	if status, b, err := g.padded(t, "/v1/embeddings", "bob", 100<<20); status != http.StatusOK || err != nil || len(b) < 100<<20 || !bytes.Contains(b[len(b)-20:], []byte("0]}")) {
		t.Errorf("100 MiB of embeddings: %d %v, %d bytes", status, err, len(b))
	}
	g.wantResident(t, 128)
	if used, _ := g.usage(t, model, "bob").longest(); used == 0 {
		t.Error("embeddings are charged nothing")
	}
	for _, c := range deaf {
		c.Close()
	}
	eventually(t, patience, "a model server that works on nothing", func() bool { return ledger.InFlight(model) == 0 })
	eventually(t, patience, "no slot that is held", func() bool { return g.usage(t, model, "alice").running() == 0 })
	for i := range clients {
		if used, reserved := g.usage(t, model, fmt.Sprint("deaf-", i)).longest(); used == 0 || reserved != 0 {
			t.Errorf("deaf-%d: %d tokens are used, %d reserved", i, used, reserved)
		}
	}
	eventually(t, patience, "nothing that is held", func() bool { return g.metric(t, "buffered_bytes") == 0 })
}

// TestSlowestReadersAreCutOff: where the clients that read nothing fill what may be held,
// they are cut off, the slowest first, and whoever reads is served.
func TestSlowestReadersAreCutOff(t *testing.T) {
	t.Parallel()
	const clients, most = 90, 4 << 20
	ledger, server := newModelServer(t)
	s := site{
		server: server, extra: fmt.Sprintf("max-body-bytes: 1048576, max-buffered-bytes: %d", most),
		models: map[string]string{model: fmt.Sprintf("{max-tokens-per-hour: 1000000000, max-concurrent-requests: %d}", clients+2)},
	}
	g := s.serve(t)
	address := strings.TrimPrefix(g.base, "http://")
	for i := range clients {
		dialPadded(t, address, fmt.Sprint("deaf-", i), 20<<20, i%2 == 0)
		if held := g.metric(t, "buffered_bytes"); held > most {
			t.Errorf("%v bytes are held, more than %d", held, most)
		}
		if i%10 == 9 {
			// Nobody is slow before a quarter of a second: a fast machine has filled everything by then.
			time.Sleep(300 * time.Millisecond)
			g.wantServed(t, 1)
		}
	}
	if n := ledger.MaxRunning(model); n < clients/4 {
		t.Errorf("%d requests were running at once: the test tests nothing", n)
	}
	g.wantServed(t, 30)
	if cut := g.metric(t, "buffered_cut_off_total"); cut == 0 {
		t.Error("nobody was cut off: the test tests nothing")
	} else {
		t.Logf("%v were cut off", cut)
	}
	if !strings.Contains(g.stderr.String(), "too slowly") {
		t.Error("the log does not say that clients were cut off")
	}
	g.wantResident(t, 100)
}

// TestBodiesThatDoNotEnd: clients that send most of a large body and no more are bounded
// by the same, and keep nobody out.
func TestBodiesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	const clients, size, limit = 40, 10 << 20, "128MiB"
	_, server := newModelServer(t)
	s := site{server: server, models: map[string]string{model: "{max-tokens-per-hour: 1000000000, max-concurrent-requests: 10}"}}
	g := s.serveWithin(t, limit)
	address := strings.TrimPrefix(g.base, "http://")
	text := bytes.Repeat([]byte("x"), size-1<<20)
	refused := make(chan string, clients)
	for i := range clients {
		c := dial(t, address)
		write(t, c, fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-User-ID: mute-%d\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", i, size))
		go func() {
			_, _ = c.Write(text) // it may be refused in the midst of it
			status, _ := bufio.NewReader(c).ReadString('\n')
			refused <- status
		}()
		if i%4 == 0 {
			g.wantServed(t, 1)
		}
	}
	g.wantServed(t, 20)
	g.wantResident(t, 128)
	if held := g.metric(t, "buffered_bytes"); held > 32<<20 {
		t.Errorf("%v bytes are held of 32 MiB", held)
	}
	select {
	case status := <-refused:
		t.Logf("the first of them that heard something heard %q", status)
	case <-time.After(patience):
		t.Error("none of them was refused: the test tests nothing")
	}
}

// TestBodiesOfNames: to find a name that is there twice takes a multiple of a body that
// consists of names, which is counted. Bodies with as many as there may be are served, and
// those with more are refused, at no cost. The first wait for each other where there is no
// room for all.
func TestBodiesOfNames(t *testing.T) {
	t.Parallel()
	const clients = 24
	_, server := newModelServer(t)
	s := site{
		server: server, extra: "max-body-bytes: 1048576, max-buffered-bytes: 134217728",
		models: map[string]string{model: "{max-requests-per-day: 1000000}"},
	}
	g := s.serve(t)
	few, many := bodyOfNames(32_700), bodyOfNames(100_000)
	var all sync.WaitGroup
	for i := range clients {
		body, want := few, http.StatusOK
		if i%2 > 0 {
			body, want = many, http.StatusBadRequest
		}
		all.Go(func() {
			status, answer := g.postWhenRoom(t, body)
			if status != want {
				t.Errorf("a body of %d bytes of names is answered with %d %.200s", len(body), status, answer)
			}
		})
	}
	all.Wait()
	g.wantResident(t, 150)
}

// postWhenRoom sends a body for a chat, again for as long as there is no room for it.
func (g *gateway) postWhenRoom(t *testing.T, body []byte) (int, []byte) {
	for until := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		response, err := g.http.Post(g.base+"/v1/chat/completions", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0, nil
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable || time.Now().After(until) {
			return response.StatusCode, answer
		}
	}
}

// bodyOfNames returns a body with an object of n names.
func bodyOfNames(n int) []byte {
	body := []byte(`{"model":"` + model + `","messages":[{"role":"user","content":"x"}],"max_tokens":3,"x":{`)
	for i := range n {
		body = fmt.Appendf(body, `"%x":0,`, i)
	}
	return append(body, `"z":0}}`...)
}
