package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestFraming(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	long := strings.Repeat("y", 10_000)
	tests := map[string]struct {
		response string
		status   int
		length   int64
		body     string
		keep     bool
	}{
		"length":              {ok, 200, 2, "ok", true},
		"no reason":           {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, 2, "ok", true},
		"long body":           {"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + long, 200, 10_000, long, true},
		"empty":               {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, "", true},
		"agreeing lengths":    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, 2, "ok", true},
		"no content":          {"HTTP/1.1 204 No Content\r\n\r\n", 204, 0, "", true},
		"no content, length":  {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, 0, "", true},
		"not modified":        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, 0, "", true},
		"chunks":              {chunked + "2\r\nok\r\n3\r\nabc\r\n0\r\n\r\n", 200, -1, "okabc", true},
		"hexadecimal chunk":   {chunked + "000A\r\n0123456789\r\n0\r\n\r\n", 200, -1, "0123456789", true},
		"chunk extensions":    {chunked + "2;a=b;c=\"d\"\r\nok\r\n0 ;x\r\n\r\n", 200, -1, "ok", true},
		"trailer":             {chunked + "2\r\nok\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", 200, -1, "ok", true},
		"long chunk":          {chunked + "2710\r\n" + long + "\r\n0\r\n\r\n", 200, -1, long, true},
		"no chunks":           {chunked + "0\r\n\r\n", 200, -1, "", true},
		"interim":             {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok, 200, 2, "ok", true},
		"interim with length": {"HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + ok, 200, 2, "ok", true},
		"an error":            {"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", 500, 2, "no", true},
		"until close":         {"HTTP/1.1 200 OK\r\n\r\n" + long, 200, -1, long, false},
		"old, until close":    {"HTTP/1.0 200 OK\r\n\r\nok", 200, -1, "ok", false},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole":   func(r io.Reader) io.Reader { return r },
		"bytes":   iotest.OneByteReader,
		"by Next": func(r io.Reader) io.Reader { return &nexter{body: r.(Body)} },
	}
	for name, tt := range tests {
		for how, reader := range readers {
			t.Run(name+"/"+how, func(t *testing.T) {
				l := listen(t, func(_ int, p *peer) {
					p.request()
					p.say(tt.response)
					if tt.keep {
						p.request()
					}
				})
				s := connect(t, l.url())
				r, err := s.Do(t.Context(), post("{}"))
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(reader(r.Body))
				if err != nil || string(body) != tt.body || r.Status != tt.status || r.ContentLength != tt.length {
					t.Errorf("got %d, length %d, %d bytes, %v", r.Status, r.ContentLength, len(body), err)
				}
				if kept := s.Idle() == 1; kept != tt.keep {
					t.Errorf("connection kept: %v, want %v", kept, tt.keep)
				}
				if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("read after the end: %d, %v", n, err)
				}
			})
		}
	}
}

// nexter reads by Next.
type nexter struct {
	body Body
	rest []byte
}

func (n *nexter) Read(p []byte) (int, error) {
	if len(n.rest) == 0 {
		var err error
		if n.rest, err = n.body.Next(); err != nil {
			return 0, err
		}
	}
	c := copy(p, n.rest)
	n.rest = n.rest[c:]
	return c, nil
}

func TestHead(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nServer: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\nX-A: 1\r\nx-a:\t2 \r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	l := listen(t, answer(chunked))
	r, _ := exchange(t, connect(t, l.url()), post("{}"))
	for name, want := range map[string][]string{
		"Server": {"uvicorn"}, "Content-Type": {"text/event-stream; charset=utf-8"}, "X-a": {"1", "2"},
		"X-Empty": {""}, "transfer-encoding": {"chunked"}, "X": nil, "X-A:": nil, "HTTP/1.1 200 OK": nil, "": nil,
	} {
		got := r.Header.Values(name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
		if got = append(got, ""); r.Header.Get(name) != got[0] {
			t.Errorf("Get(%q) = %q, want %q", name, r.Header.Get(name), got[0])
		}
	}
}

func TestHeadWithoutBody(t *testing.T) {
	l := listen(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
	s := connect(t, l.url())
	for range 2 {
		if _, body := exchange(t, s, Request{Method: "HEAD", Path: "/health"}); body != "" {
			t.Errorf("body %q", body)
		}
	}
	if n := l.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestMalformed(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	const chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
	tests := map[string]string{
		"not HTTP":                "SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/2":                  "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.2":                "HTTP/1.2 200 OK\r\n\r\n",
		"lower case":              "http/1.1 200 OK\r\n\r\n",
		"empty line first":        "\r\n" + ok,
		"short status":            "HTTP/1.1 20\r\n\r\n",
		"long status":             "HTTP/1.1 2000 OK\r\n\r\n",
		"signed status":           "HTTP/1.1 +20 OK\r\n\r\n",
		"status 600":              "HTTP/1.1 600 OK\r\n\r\n",
		"status 099":              "HTTP/1.1 099 OK\r\n\r\n",
		"switching protocols":     "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
		"control in reason":       "HTTP/1.1 200 O\x00K\r\n\r\n",
		"bare LF":                 "HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
		"bare CR in value":        head + "X-A: a\rb\r\nContent-Length: 0\r\n\r\n",
		"NUL in value":            head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"NUL before LF":           head + "X-A: a\x00\nX-B: c\r\n\r\n",
		"NUL in the last value":   head + "Content-Length: 0\r\nX-A: a\x00b\r\n\r\n",
		"folded line":             head + "X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
		"space before colon":      head + "Content-Length : 0\r\n\r\n",
		"no colon":                head + "X-A\r\n\r\n",
		"empty name":              head + ": a\r\n\r\n",
		"different lengths":       head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		"lengths with a zero":     head + "Content-Length: 2\r\nContent-Length: 02\r\n\r\nok",
		"list of lengths":         head + "Content-Length: 2, 2\r\n\r\nok",
		"negative length":         head + "Content-Length: -1\r\n\r\n",
		"signed length":           head + "Content-Length: +2\r\n\r\nok",
		"hexadecimal length":      head + "Content-Length: 0x2\r\n\r\nok",
		"empty length":            head + "Content-Length:\r\n\r\nok",
		"huge length":             head + "Content-Length: 9223372036854775808\r\n\r\nok",
		"unknown coding":          head + "Transfer-Encoding: gzip\r\n\r\n",
		"coded and chunked":       head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"coding of no body":       "HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n",
		"folded beyond ASCII":     head + "Transfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n",
		"two codings":             head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"identity":                head + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
		"chunked in HTTP/1.0":     "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"bad interim":             "HTTP/1.1 100 Continue\r\nContent-Length: x\r\n\r\n" + ok,
		"too many interim":        strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6) + ok,
		"large head":              head + "X-A: " + strings.Repeat("a", headBytesMax) + "\r\n\r\n",
		"large heads together":    strings.Repeat("HTTP/1.1 103 Hints\r\nX-A: "+strings.Repeat("a", headBytesMax/2)+"\r\n\r\n", 2) + ok,
		"endless line":            strings.Repeat("a", headBytesMax+readBufferBytes),
		"too many fields":         head + strings.Repeat("A: b\r\n", fieldsMax+1) + "\r\n",
		"empty chunk size":        chunked + "\r\nok\r\n",
		"chunk size of a word":    chunked + "two\r\nok\r\n",
		"signed chunk size":       chunked + "+2\r\nok\r\n0\r\n\r\n",
		"prefixed chunk size":     chunked + "0x2\r\nok\r\n0\r\n\r\n",
		"space before chunk size": chunked + " 2\r\nok\r\n0\r\n\r\n",
		"huge chunk size":         chunked + "FFFFFFFFFFFFFFFF\r\nok\r\n",
		"chunk too long":          chunked + "2\r\nokay\r\n0\r\n\r\n",
		"chunk with LF":           chunked + "2\nok\n0\n\n",
		"long extension":          chunked + "2;" + strings.Repeat("x", readBufferBytes) + "\r\nok\r\n",
		"control in extension":    chunked + "2;\x00\r\nok\r\n0\r\n\r\n",
		"large trailer":           chunked + "0\r\n" + strings.Repeat("X-A: 1234567890\r\n", 600) + "\r\n",
		"malformed trailer":       chunked + "0\r\nGET / HTTP/1.1\r\n\r\n",
	}
	for name, response := range tests {
		t.Run(name, func(t *testing.T) {
			l := listen(t, answer(response))
			s := connect(t, l.url())
			if e := fails(t, t.Context(), s, post("{}")); e.Kind != Protocol || !e.Started {
				t.Errorf("error %v, want a malformed response", e)
			}
			if s.Idle() != 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, response := range []string{
		"HTTP", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
		chunked, chunked + "2", chunked + "2\r\n", chunked + "2\r\no", chunked + "2\r\nok",
		chunked + "2\r\nok\r\n", chunked + "2\r\nok\r\n0\r\n", chunked + "2\r\nok\r\n0\r\nX-A: b\r\n",
	} {
		l := listen(t, func(_ int, p *peer) {
			p.request()
			p.say(response)
		})
		s := connect(t, l.url())
		e := fails(t, t.Context(), s, post("{}"))
		if e.Kind != Broken || !errors.Is(e, io.ErrUnexpectedEOF) || !e.Started {
			t.Errorf("%q: error %v, want a broken response", response, e)
		}
		if s.Idle() != 0 {
			t.Errorf("%q: the connection was kept", response)
		}
	}
}

// TestCloseBeforeTheEnd is how a model server learns to stop generating.
func TestCloseBeforeTheEnd(t *testing.T) {
	stopped := make(chan struct{})
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		_, _ = io.Copy(io.Discard, p)
		close(stopped)
	})
	s := connect(t, l.url())
	r, err := s.Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if view, err := r.Body.Next(); string(view) != "ok" || err != nil {
		t.Fatalf("first event %q, %v", view, err)
	}
	if err := errors.Join(r.Body.Close(), r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	within(t, stopped, "the model server to notice")
	if _, err := r.Body.Next(); !errors.Is(err, ErrBodyClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if s.Idle() != 0 {
		t.Error("a connection was kept with half a response on it")
	}
}

// TestCloseWhileReading closes a body that another goroutine waits for.
func TestCloseWhileReading(t *testing.T) {
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		p.request()
	})
	r, err := connect(t, l.url()).Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	reading, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, _ = r.Body.Next()
		close(reading)
		_, err := r.Body.Next()
		done <- err
	}()
	within(t, reading, "the first event")
	_ = r.Body.Close()
	if err := <-done; !errors.Is(err, ErrBodyClosed) {
		t.Errorf("read ended with %v", err)
	}
}

// TestCloseAfterTheLastByte keeps the connection though the reader never saw
// the end: a reader that knows the length does not ask for more.
func TestCloseAfterTheLastByte(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	r, err := s.Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r.Body, make([]byte, r.ContentLength)); err != nil {
		t.Fatal(err)
	}
	if s.Idle() != 0 {
		t.Error("the connection was given back under a reader that may hold a view of its buffer")
	}
	_ = r.Body.Close()
	_ = r.Body.Close()
	if s.Idle() != 1 {
		t.Error("the connection was not kept")
	}
}

// TestNextIsAView reads events as they come, without waiting for more.
func TestNextIsAView(t *testing.T) {
	next := make(chan struct{})
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for _, event := range []string{"3\r\none\r\n", "3\r\ntwo\r\n3\r\nTWO\r\n"} {
			p.say(event)
			<-next
		}
		p.say("0\r\n\r\n")
		p.request()
	})
	r, err := connect(t, l.url()).Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	want := func(event string) {
		t.Helper()
		if view, err := r.Body.Next(); string(view) != event || err != nil {
			t.Fatalf("got %q, %v, want %q", view, err, event)
		}
	}
	want("one")
	next <- struct{}{}
	want("two")
	if !r.Body.Ready() {
		t.Error("nothing is said to be ready, with an event that has come in")
	}
	want("TWO")
	next <- struct{}{}
	if _, err := r.Body.Next(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
	if r.Body.Ready() {
		t.Error("something is said to be ready after the end")
	}
}

// TestReadyDoesNotWait: what is said to be ready is read from memory. A chunk of
// which only the size has come, or a part of it, would be waited for.
func TestReadyDoesNotWait(t *testing.T) {
	for rest, want := range map[string]bool{
		"": false, "\r": false, "\r\n": false, "\r\n3": false, "\r\n3\r\n": false, "\r\n3\r\nt": true, "\r\n3\r\ntwo\r\n": true,
		"\r\n03\r\ntwo\r\n": true, "\r\n3;x=y\r\ntwo\r\n": true, "\r\n0\r\n": false, "\r\n00\r\n\r\n": false, "\r\nx\r\ntwo": false,
	} {
		l := listen(t, func(_ int, p *peer) {
			p.request()
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none" + rest)
			p.request()
		})
		r, err := connect(t, l.url()).Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if view, err := r.Body.Next(); string(view) != "one" || err != nil {
			t.Fatalf("got %q, %v", view, err)
		}
		if got := r.Body.Ready(); got != want {
			t.Errorf("with %q there is something ready: %t", rest, got)
		}
		r.Body.Close()
	}
}

// TestMemoryPerStream holds many responses open at once.
func TestMemoryPerStream(t *testing.T) {
	const streams, bytesMax = 200, 7 << 10
	stream := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
	s := connect(t, "http://model", func(o *Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return pieces(stream, 0), nil }
	})
	r := post("{}")
	r.ResponseTimeout = 0
	open := make([]Response, streams)
	before := heapBytes()
	for i := range open {
		response, err := s.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		open[i] = response
	}
	if each := (heapBytes() - before) / streams; each > bytesMax {
		t.Errorf("%d bytes per open stream, want %d at most", each, bytesMax)
	}
	for _, response := range open {
		_ = response.Body.Close()
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestReadGathersChunks reads what has come in of several chunks at once, and
// does not wait for one that has only begun.
func TestReadGathersChunks(t *testing.T) {
	next := make(chan struct{})
	l := listen(t, func(_ int, p *peer) {
		p.request()
		for _, part := range []string{
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthr",
			"ee\r\n4\r\n", "four\r\n0",
		} {
			p.say(part)
			<-next
		}
		p.say("\r\n\r\n")
		p.request()
	})
	r, err := connect(t, l.url()).Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	for _, want := range []string{"onetwothr", "ee", "four"} {
		n, err := r.Body.Read(b)
		if string(b[:n]) != want || err != nil {
			t.Fatalf("read %q, %v; want %q", b[:n], err, want)
		}
		next <- struct{}{}
	}
	if n, err := r.Body.Read(b); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
