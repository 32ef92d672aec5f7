package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The model that the upstream serves and the path that is measured.
const (
	modelName = "bench-model"
	chatPath  = "/v1/chat/completions"
)

// What every answer says it spent.
const (
	inputTokens  = 24
	outputTokens = 16
)

// answer is the whole response to a request that is not streamed: vLLM's
// shape, small, with usage. Written in one piece.
var answer = response(`{"id":"chatcmpl-bench","object":"chat.completion","created":1767225600,"model":"` + modelName +
	`","choices":[{"index":0,"message":{"role":"assistant","content":"A token bucket refills at a constant rate up to its size."},` +
	`"logprobs":null,"finish_reason":"stop","stop_reason":null}],` +
	fmt.Sprintf(`"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d}}`, inputTokens, inputTokens+outputTokens, outputTokens))

// models answers every GET: a health check is content with the status.
var models = response(`{"object":"list","data":[{"id":"` + modelName + `","object":"model","owned_by":"vllm","max_model_len":131072}]}`)

func response(body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: uvicorn\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Upstream is the model server of the benchmarks: it answers a chat request
// with constant bytes and paces streams, at as little CPU as possible. It
// understands no more of HTTP than proxies send to it.
type Upstream struct {
	Streams atomic.Int64 // streams that were begun
	Metered atomic.Int64 // those of them that were asked for usage on every event

	listener net.Listener
	pace     time.Duration
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil after Close
}

// ListenUpstream starts a model server on a free loopback port whose streams
// carry one event per pace. Close ends it.
func ListenUpstream(pace time.Duration) (*Upstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &Upstream{listener: l, pace: pace, conns: make(map[net.Conn]struct{})}
	u.running.Go(u.accept)
	return u, nil
}

// Address returns host:port.
func (u *Upstream) Address() string { return u.listener.Addr().String() }

// Close ends every connection and returns when none is served any more.
func (u *Upstream) Close() {
	_ = u.listener.Close()
	u.mu.Lock()
	for c := range u.conns {
		_ = c.Close()
	}
	u.conns = nil
	u.mu.Unlock()
	u.running.Wait()
}

func (u *Upstream) accept() {
	for {
		conn, err := u.listener.Accept()
		if err != nil {
			return // closed
		}
		if !u.keep(conn) {
			_ = conn.Close()
			return
		}
		u.running.Go(func() {
			defer u.drop(conn)
			_ = u.serve(conn) // a proxy that closes its connection is no fault
		})
	}
}

// keep registers a connection; it reports false after Close.
func (u *Upstream) keep(conn net.Conn) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conns == nil {
		return false
	}
	u.conns[conn] = struct{}{}
	return true
}

func (u *Upstream) drop(conn net.Conn) {
	_ = conn.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.conns, conn)
}

// serve answers the requests of one connection, one after the other.
func (u *Upstream) serve(conn net.Conn) error {
	r := bufio.NewReader(conn)
	var body []byte
	for {
		h, err := readHead(r)
		if err != nil {
			return err
		}
		if body, err = h.readBody(r, body[:0]); err != nil {
			return err
		}
		if err := u.answer(conn, h, body); err != nil {
			return err
		}
	}
}

func (u *Upstream) answer(conn net.Conn, h head, body []byte) error {
	if h.get {
		_, err := conn.Write(models)
		return err
	}
	// Only what may be a stream is parsed: parsing costs more than answering.
	if bytes.Contains(body, []byte(`"stream"`)) {
		var asked streamRequest
		if err := json.Unmarshal(body, &asked); err != nil {
			return errors.Join(errMalformed, err)
		}
		if asked.Stream {
			return u.stream(conn, asked)
		}
	}
	_, err := conn.Write(answer)
	return err
}

// stream writes an event stream at the upstream's pace: as many events with
// content as the request's max_tokens. The head waits for a pace, too. Real
// servers take at least as long, and ReverseProxy may cut a stream that begins
// before it has noticed the end of the request (golang/go issue 40747).
func (u *Upstream) stream(conn net.Conn, asked streamRequest) error {
	u.Streams.Add(1)
	if asked.continuous() {
		u.Metered.Add(1)
	}
	next := u.sleepUntil(time.Now().Add(u.pace))
	if _, err := conn.Write(streamHead); err != nil {
		return err
	}
	frame := appendFirst(nil, asked)
	for n := range asked.MaxTokens {
		if _, err := conn.Write(frame); err != nil {
			return err
		}
		next = u.sleepUntil(next)
		frame = appendContent(frame[:0], asked, n+1)
	}
	_, err := conn.Write(appendLast(frame, asked))
	return err
}

// sleepUntil waits for the time of an event and returns that of the one after
// it. What is more than a pace late is not made up for: events in a bunch are
// cheaper to carry, and would flatter whoever is late.
func (u *Upstream) sleepUntil(next time.Time) time.Time {
	late := time.Since(next)
	time.Sleep(-late)
	if late > u.pace {
		return time.Now().Add(u.pace)
	}
	return next.Add(u.pace)
}
