//go:build unix

package http1

import (
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

const (
	benchBody    = `{"model":"llama2-7b","max_tokens":64,"messages":[{"role":"user","content":"How many tokens are in this sentence?"}]}`
	benchRequest = "POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
		"Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nContent-Length: 116\r\n\r\n" + benchBody
)

// BenchmarkServer compares a request to this server with one to net/http's, and
// with the least that any server can do: a Read and a Write on a bare connection. The
// client is in the same process; the "wire" row holds its cost, so the cost of a
// server is its row less that one. Times are CPU time of the process.
func BenchmarkServer(b *testing.B) {
	var wire, other float64
	b.Run("wire", func(b *testing.B) { wire = perRequest(b, startWire(b)) })
	b.Run("net/http", func(b *testing.B) { other = perRequest(b, startOther(b, benchHandler)) })
	b.Run("here", func(b *testing.B) {
		_, address := start(b, benchHandler)
		own := perRequest(b, address)
		if other > wire {
			b.ReportMetric((own-wire)/(other-wire), "ratio")
		}
	})
}

// benchHandler answers with the request's body.
func benchHandler(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, len(benchBody)+1)
	n, _ := r.Body.Read(body)
	h := w.Header()
	h["Content-Type"], h["Content-Length"], h["X-Request-Id"] = r.Header["Content-Type"], r.Header["Content-Length"], r.Header["User-Agent"]
	_, _ = w.Write(body[:n])
}

// startWire answers whatever comes in one piece, with an answer like the handler's.
func startWire(b *testing.B) string {
	l := listen(b)
	b.Cleanup(func() { _ = l.Close() })
	out := []byte("HTTP/1.1 200 OK\r\nContent-Length: 116\r\nContent-Type: application/json\r\nX-Request-Id: bench\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n" + benchBody)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		in := make([]byte, inputBytes)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	}()
	return l.Addr().String()
}

// perRequest sends one request after the other and returns the CPU time of the
// process for each, in microseconds.
func perRequest(b *testing.B, address string) float64 {
	b.ReportAllocs()
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	out, in := []byte(benchRequest), make([]byte, inputBytes)
	begin := cpuTime(b)
	for b.Loop() {
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		if n, err := io.ReadAtLeast(c, in, 200); err != nil || in[n-1] != '}' {
			b.Fatalf("got %q, %v", in[:n], err)
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
