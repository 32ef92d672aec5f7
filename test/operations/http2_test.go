package operations

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestEveryEventIsFlushedOverHTTP2 reads a stream whose next event is generated
// only when the one before has been read.
func TestEveryEventIsFlushedOverHTTP2(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Limits: "{max-tokens-per-day: 1000000}"})
	response := open(t, g, "flushed", chat(`,"stream":true,"stream_options":{"include_usage":true}`, `"output_tokens":12,"ack":true`))
	if response.ProtoMajor != 2 || response.TLS == nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %v", response.Proto, response.Status)
	}
	events := 0
	for r := bufio.NewReader(response.Body); ; events++ {
		event, err := nextEvent(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(event, err)
		}
		g.Mock.Ack("flushed")
	}
	if events < 13 {
		t.Errorf("%d events only", events)
	}
	sum := g.Ledger.Sum("", "")
	if w := g.Usage(t, "alice").Windows[0]; w.Used != sum.Input+sum.Output || w.Reserved != 0 {
		t.Errorf("the model server's books say %+v, the account %+v", sum, w)
	}
}

// TestLeavingOverHTTP2: a client that resets its stream stops the model server,
// pays for what was generated, and leaves the connection to its neighbours.
func TestLeavingOverHTTP2(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Limits: "{max-tokens-per-day: 1000000, max-concurrent-requests: 2}"})
	var dials atomic.Int64
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: dialing(&dials, g.Files.Trust(t))}
	g.Client = &http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	staying := open(t, g, "staying", chat(`,"stream":true,"stream_options":{"include_usage":true}`, `"output_tokens":100,"ack":true`))
	stays := bufio.NewReader(staying.Body)
	leaving := open(t, g, "in-mid-stream", chat(`,"stream":true`, `"output_tokens":10000,"token_ms":2`))
	if _, err := nextEvent(bufio.NewReader(leaving.Body)); err != nil {
		t.Fatal(err)
	}
	leaving.Body.Close()
	eventually(t, "the model server has stopped", func() bool { return g.Ledger.InFlight(apptest.Model) == 1 })
	eventually(t, "the gateway knows", func() bool {
		return strings.Contains(g.Get(t, "/actuator/prometheus"), `token_concurrent_requests{model="`+apptest.Model+`"} 1`)
	})

	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := g.Client.Do(g.Request(ctx, chatPath, "alice", chat("", `"output_tokens":10000,"token_ms":2`)))
		ended <- err
	}()
	eventually(t, "the model server generates", func() bool { return g.Ledger.InFlight(apptest.Model) == 2 })
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, "the model server has stopped", func() bool { return g.Ledger.InFlight(apptest.Model) == 1 })
	for i := 0; ; i++ {
		event, err := nextEvent(stays)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the neighbour's stream broke after %d events with %q: %v", i, event, err)
		}
		g.Mock.Ack("staying")
	}
	g.Post(t, chatPath, "bob", chat("", `"output_tokens":3`))
	if staying.ProtoMajor != 2 {
		t.Errorf("the test speaks %s", staying.Proto)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections: leaving closes them", n)
	}
}

// TestDrainOverHTTP2: while a stream runs, new requests on its connection are
// refused, the connection is told to end, and the stream is not cut.
func TestDrainOverHTTP2(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		TLS: true, Limits: "{max-tokens-per-minute: 100000}", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	running := open(t, g, "running", chat(`,"stream":true`, `"output_tokens":100`))
	body := bufio.NewReader(running.Body)
	if _, err := nextEvent(body); err != nil {
		t.Fatal(err)
	}
	g.Drain()
	eventually(t, "readiness goes off", func() bool {
		status, _ := g.Probe(t, "/actuator/health/readiness")
		return status == http.StatusServiceUnavailable
	})
	eventually(t, "the door shuts, a moment after that", func() bool {
		status, _, _ := g.Post(t, chatPath, "early", chat("", `"output_tokens":1`))
		return status == http.StatusServiceUnavailable
	})
	status, header, told := g.Post(t, chatPath, "bob", chat("", ""))
	if status != http.StatusServiceUnavailable || !strings.Contains(told, "shutting_down") || header.Get("Retry-After") != "1" {
		t.Errorf("a new request is answered with %d %s", status, told)
	}
	rest, err := io.ReadAll(body)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the running stream ended with %v after %s", err, rest)
	}
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	if g.Ledger.Sum(apptest.Model, "bob") != (mockvllm.Total{}) {
		t.Error("what was refused has started")
	}
}

// TestBodyTimeoutOverHTTP2: a body that does not come is not waited for, and its
// connection serves others.
func TestBodyTimeoutOverHTTP2(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Server: "body-timeout: 200ms, max-body-bytes: 1000"})
	r, never := io.Pipe()
	defer never.Close()
	q := g.Request(t.Context(), chatPath, "alice", "")
	q.Body, q.ContentLength = r, 100
	response, err := g.Client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("a body that does not come: %s", response.Status)
	}
	if status, _, told := g.Post(t, chatPath, "alice", chat("", `"x":"`+strings.Repeat("x", 2000)+`"`)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body too large: %d %s", status, told)
	}
	if status, _, told := g.Post(t, chatPath, "alice", chat("", "")); status != http.StatusOK {
		t.Errorf("the next one: %d %s", status, told)
	}
}

// TestHTTP11OverTLS: who does not speak HTTP/2 is served all the same.
func TestHTTP11OverTLS(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true})
	transport := &http.Transport{TLSClientConfig: g.Files.Trust(t)}
	defer transport.CloseIdleConnections()
	g.Client = &http.Client{Transport: transport}
	if response := open(t, g, "x", chat("", "")); response.ProtoMajor != 1 || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s", response.Proto, response.Status)
	}
	transport.TLSClientConfig.MinVersion, transport.TLSClientConfig.MaxVersion = 0x0301, 0x0302
	transport.CloseIdleConnections()
	if response, err := g.Client.Get(g.URL + "/v1/models"); err == nil {
		response.Body.Close()
		t.Errorf("TLS 1.1 is spoken: %v", response.TLS.Version)
	}
}

// TestCurl asks as an operator does.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("no curl: make needs")
	}
	g := apptest.Start(t, apptest.Options{TLS: true})
	for flag, want := range map[string]string{"--http2": "2 200", "--http1.1": "1.1 200"} {
		out, err := exec.CommandContext(t.Context(), curl, "-sS", flag, "--max-time", "10", "--cacert", g.Files.Certificate, "-o", "/dev/null",
			"-w", "%{http_version} %{http_code}", "-H", "Content-Type: application/json", "-d", chat("", ""), g.URL+chatPath).CombinedOutput()
		if err != nil || string(out) != want {
			var failed *exec.ExitError
			errors.As(err, &failed)
			t.Errorf("curl %s: %q %v, want %q", flag, out, failed, want)
		}
	}
}
