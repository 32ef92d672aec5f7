package mockvllm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	streamBody = `{"messages":[],"stream":true,"mock":{"output_tokens":6,%s}}`
	wholeBody  = `{"messages":[],"mock":{"output_tokens":6,%s}}`
)

// TestFaults asks for each fault over a real connection and looks at what
// arrives and what is booked.
func TestFaults(t *testing.T) {
	s, url := start(t, Options{})
	for i, c := range []struct {
		body, mock string
		status     int // 0: no answer
		err        error
		tokens     int64
		outcome    Outcome
		done       bool
	}{
		{streamBody, `"fail":"refuse-before-byte"`, 0, io.EOF, 0, Refused, false},
		{streamBody, `"fail":"reset-before-byte"`, 0, syscall.ECONNRESET, 0, Refused, false},
		{streamBody, `"fail":"queue-full"`, 503, nil, 0, Failed, false},
		{streamBody, `"status":429,"body":"{}"`, 429, nil, 0, Rejected, false},
		{streamBody, `"status":500`, 500, nil, 0, Failed, false},
		{streamBody, `"fail":"reset","after_tokens":2`, 200, syscall.ECONNRESET, 2, Broken, false},
		{streamBody, `"fail":"reset","after_tokens":99`, 200, syscall.ECONNRESET, 6, Broken, false},
		{streamBody, `"fail":"reset-mid-event","after_tokens":2`, 200, syscall.ECONNRESET, 2, Broken, false},
		{streamBody, `"fail":"close","after_tokens":2`, 200, io.ErrUnexpectedEOF, 2, Broken, false},
		{streamBody, `"fail":"truncate","after_tokens":2`, 200, nil, 2, Broken, false},
		{streamBody, `"fail":"malformed","after_tokens":2`, 200, nil, 6, Completed, true},
		{streamBody, `"fail":"error","after_tokens":2`, 200, nil, 2, Failed, true},
		{streamBody, `"fail":"error"`, 200, nil, 0, Failed, true},
		{streamBody, `"fail":"no-done"`, 200, nil, 6, Completed, false},
		{streamBody, `"fail":"close-idle"`, 200, nil, 6, Completed, true},
		{streamBody, `"after_done":3`, 200, nil, 6, Completed, true},
		{wholeBody, `"fail":"cut"`, 200, nil, 6, Broken, false},
		{wholeBody, `"encoding":"br"`, 200, nil, 6, Completed, false},
		{wholeBody, `"fail":"refuse-before-byte"`, 0, io.EOF, 0, Refused, false},
		{wholeBody, `"fail":"reset","after_tokens":2`, 200, syscall.ECONNRESET, 2, Broken, false},
		{wholeBody, `"fail":"close","after_tokens":2`, 200, io.ErrUnexpectedEOF, 2, Broken, false},
		{wholeBody, `"fail":"malformed"`, 200, nil, 6, Completed, false},
		{wholeBody, `"fail":"error","after_tokens":2`, 500, nil, 2, Failed, false},
		{wholeBody, `"fail":"close-idle"`, 200, nil, 6, Completed, false},
	} {
		name := c.mock
		if c.body == wholeBody {
			name += " (JSON)"
		}
		t.Run(name, func(t *testing.T) {
			id := fmt.Sprint("r", i)
			http.DefaultClient.CloseIdleConnections() // the case before may have closed one
			status, answer, err := post(t, url+"/v1/chat/completions", id, fmt.Sprintf(c.body, c.mock))
			if status != c.status || !errors.Is(err, c.err) {
				t.Errorf("status %d and %v, want %d and %v", status, err, c.status, c.err)
			}
			if done := strings.Contains(answer, "[DONE]"); done != c.done {
				t.Errorf("[DONE] is there: %t", done)
			}
			if e := entry(t, s.Ledger(), id); e.Outcome != c.outcome || e.Output != c.tokens || e.Status != c.status {
				t.Errorf("booked as %s with %d tokens and status %d", e.Outcome, e.Output, e.Status)
			}
		})
	}
}

// TestFailAttempts fails the first two attempts of a request id.
func TestFailAttempts(t *testing.T) {
	s, url := start(t, Options{})
	var statuses []int
	for range 3 {
		status, _, _ := post(t, url+"/v1/completions", "r", `{"prompt":"a","mock":{"fail":"queue-full","fail_attempts":2}}`)
		statuses = append(statuses, status)
	}
	if fmt.Sprint(statuses) != "[503 503 200]" {
		t.Errorf("statuses are %v", statuses)
	}
	attempts := s.Ledger().Attempts("r")
	if len(attempts) != 3 || attempts[0].Outcome != Failed || attempts[2].Outcome != Completed || attempts[2].Attempt != 3 {
		t.Errorf("attempts are %+v", attempts)
	}
}

// TestCloseIdle shows that the connection of a complete answer is closed
// although the answer did not say so.
func TestCloseIdle(t *testing.T) {
	_, url := start(t, Options{})
	for _, body := range []string{wholeBody, streamBody} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		r := requestTo(t, url+"/v1/chat/completions", "", fmt.Sprintf(body, `"fail":"close-idle"`))
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(conn)
		response, err := http.ReadResponse(lines, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.Close {
			t.Errorf("body ends with %v, Connection: close %t", err, response.Close)
		}
		if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("after the answer comes %v, want the end of the connection", err)
		}
	}
}

// TestHeadersFirst shows that a stream's headers come before its first token.
func TestHeadersFirst(t *testing.T) {
	s, url := start(t, Options{MaxRunning: 1})
	for _, id := range []string{"running", "waiting"} {
		response, err := http.DefaultClient.Do(requestTo(t, url+"/v1/completions", id,
			`{"prompt":"a","stream":true,"mock":{"ttft_ms":60000}}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if e, _ := s.Ledger().Entry(id); e.Outcome != Running || e.Output != 0 {
			t.Errorf("%s: with the headers, %s with %d tokens", id, e.Outcome, e.Output)
		}
	}
}

// TestCancel shows that a leaving client stops its request within 100 ms,
// whatever the request waits for.
func TestCancel(t *testing.T) {
	s, url := start(t, Options{MaxRunning: 1})
	for _, c := range []struct{ name, body string }{
		{"first token of a stream", `{"messages":[],"stream":true,"mock":{"ttft_ms":60000}}`},
		{"next token of a stream", `{"messages":[],"stream":true,"mock":{"output_tokens":9,"token_ms":60000}}`},
		{"JSON answer", `{"messages":[],"mock":{"output_tokens":9,"token_ms":60000}}`},
		{"stall", `{"messages":[],"stream":true,"mock":{"fail":"stall","after_tokens":2}}`},
		{"stalled JSON answer", `{"messages":[],"mock":{"fail":"stall"}}`},
		{"acknowledgement", `{"messages":[],"stream":true,"mock":{"ack":true}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			left := leave(t, cancel, s, requestTo(t, url+"/v1/chat/completions", c.name, c.body).WithContext(ctx))
			e := entry(t, s.Ledger(), c.name)
			if e.Outcome != Cancelled || e.Input == 0 || e.Cancel.Sub(left) > 100*time.Millisecond {
				t.Errorf("booked as %s, input %d, noticed after %v", e.Outcome, e.Input, e.Cancel.Sub(left))
			}
		})
	}
	if n := s.models()[0].counts(); n[0] != 0 || n[1] != 0 {
		t.Errorf("%d still run and %d wait", n[0], n[1])
	}
}

// leave sends r, cancels it once its input is charged, and returns when it did.
func leave(t *testing.T, cancel func(), s *Server, r *http.Request) (left time.Time) {
	t.Helper()
	go func() {
		for ctx := t.Context(); ctx.Err() == nil; time.Sleep(time.Millisecond) {
			if e, ok := s.Ledger().Entry(r.Header.Get("X-Request-Id")); ok && e.Input > 0 {
				break
			}
		}
		left = time.Now()
		cancel()
	}()
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the client ended with %v", err)
	}
	return left
}

// TestServerClose breaks off a running stream.
func TestServerClose(t *testing.T) {
	s, url := start(t, Options{})
	response, err := http.DefaultClient.Do(requestTo(t, url+"/v1/completions", "r",
		`{"prompt":"a","stream":true,"mock":{"output_tokens":9,"token_ms":60000}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := io.Copy(io.Discard, lines); err == nil {
		t.Error("the stream of a closed server ends well")
	}
	if e := entry(t, s.Ledger(), "r"); e.Outcome != Failed || e.Output != 1 {
		t.Errorf("booked as %s with %d tokens", e.Outcome, e.Output)
	}
}
