//go:build unix

package httpclient

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	benchRequest  = `{"model":"llama2-7b","max_tokens":64,"messages":[{"role":"user","content":"How many tokens are in this sentence?"}]}`
	benchBody     = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"llama2-7b","choices":[{"index":0,"message":{"role":"assistant","content":"Eight or so."},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":4,"total_tokens":22}}`
	benchResponse = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: 250\r\ncontent-type: application/json\r\n\r\n" + benchBody
)

// BenchmarkDo compares an exchange on a kept connection with one by
// http.Transport, and with the least that any client can do: a Write and the
// Reads on a bare connection. The model server is in the same process and does
// as little as it can; the "wire" row holds its cost, so the cost of a client
// is its row less that one. Times are CPU time of the process.
func BenchmarkDo(b *testing.B) {
	l := listen(b, benchServer)
	var wire, transport float64
	b.Run("wire", func(b *testing.B) { wire = benchWire(b, l) })
	b.Run("transport", func(b *testing.B) { transport = benchTransport(b, l.url()) })
	b.Run("own", func(b *testing.B) {
		own := benchUpstream(b, l.url())
		if transport > wire {
			b.ReportMetric((own-wire)/(transport-wire), "ratio")
		}
	})
}

// benchServer answers whatever comes in one piece.
func benchServer(_ int, p *peer) {
	in, out := make([]byte, 4096), []byte(benchResponse)
	for {
		if _, err := p.Read(in); err != nil {
			return
		}
		if _, err := p.Write(out); err != nil {
			return
		}
	}
}

func benchWire(b *testing.B, l net.Listener) float64 {
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	out, in := make([]byte, 300), make([]byte, 4096)
	return perOp(b, func() error {
		if _, err := c.Write(out); err != nil {
			return err
		}
		_, err := io.ReadFull(c, in[:len(benchResponse)])
		return err
	})
}

func benchTransport(b *testing.B, url string) float64 {
	t := &http.Transport{DisableCompression: true}
	defer t.CloseIdleConnections()
	return perOp(b, func() error {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/completions", bytes.NewReader([]byte(benchRequest)))
		if err != nil {
			return err
		}
		r.Header["Content-Type"] = []string{"application/json"}
		r.Header["User-Agent"] = []string{"bench"}
		response, err := t.RoundTrip(r)
		if err != nil {
			return err
		}
		return drain(response.Body, response.ContentLength)
	})
}

func benchUpstream(b *testing.B, url string) float64 {
	s := connect(b, url)
	defer s.Close()
	return perOp(b, func() error {
		r := Request{
			Method: http.MethodPost, Path: "/v1/completions", Body: []byte(benchRequest),
			Header:          []Field{{"User-Agent", "bench"}},
			ResponseTimeout: 10 * time.Minute,
		}
		response, err := s.Do(b.Context(), r)
		if err != nil {
			return err
		}
		return drain(response.Body, response.ContentLength)
	})
}

func drain(body io.ReadCloser, length int64) error {
	_, err := io.ReadFull(body, make([]byte, length))
	if err != nil {
		return err
	}
	return body.Close()
}

// perOp runs f and returns the CPU time of the process per call, in
// microseconds.
func perOp(b *testing.B, f func() error) float64 {
	b.ReportAllocs()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	begin := cpuTime(b)
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	us := float64((cpuTime(b) - begin).Nanoseconds()) / 1e3 / float64(b.N)
	b.ReportMetric(us, "cpu-µs/op")
	return us
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHead reads a head as vLLM's server sends it, and the same with
// http.ReadResponse.
func BenchmarkHead(b *testing.B) {
	response := strings.NewReader(benchResponse)
	br := bufio.NewReaderSize(response, readBufferBytes)
	rewind := func() {
		response.Reset(benchResponse)
		br.Reset(response)
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rewind()
			if _, err := receiveHead(br, http.MethodPost); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rewind()
			if _, err := http.ReadResponse(br, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
