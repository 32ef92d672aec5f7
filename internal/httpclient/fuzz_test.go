package httpclient

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzResponse feeds the bytes of a hostile model server to the response side,
// in pieces of any size. Whatever is taken for a response must be one for
// http.ReadResponse too, with the same status, header and body: otherwise two
// readers would disagree about where an answer ends.
func FuzzResponse(f *testing.F) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, seed := range []string{
		ok, ok + ok, "HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok,
		"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chun\u212aed\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		chunked + "2;a=b\r\nok\r\n0\r\nX-A: b\r\n\r\n",
		chunked + "fffffffffffffff\r\nok", chunked + "2\r\nokay\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nok",
	} {
		f.Add([]byte(seed), byte(0))
		f.Add([]byte(seed), byte(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece byte) {
		c := newConn("model:80", pieces(stream, int(piece)), nil)
		c.stream = c.raw
		h, err := receiveHead(c.br, http.MethodPost)
		if err != nil {
			return
		}
		s := &Client{}
		s.kept.max, s.kept.timeout = 1, idleTimeout
		defer s.Close()
		b := body{ctx: context.Background(), kept: &s.kept, conn: c, stop: func() bool { return true }}
		b.begin(h)
		body, err := io.ReadAll(&b)
		if len(body) > len(stream) {
			t.Fatalf("a body of %d bytes came out of %d", len(body), len(stream))
		}
		if err != nil && s.Idle() != 0 {
			t.Fatal("a connection was kept after an error")
		}
		agree(t, stream, h, body, err)
	})
}

// agree compares what was read with http.ReadResponse.
func agree(t *testing.T, stream []byte, h head, body []byte, err error) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(stream))
	want, wantErr := finalResponse(br)
	if wantErr != nil {
		t.Fatalf("net/http refuses it: %v", wantErr)
	}
	if want.StatusCode != h.status {
		t.Errorf("status %d, want %d", h.status, want.StatusCode)
	}
	for name, values := range want.Header {
		got := h.header.Values(name)
		// net/http folds lengths that agree into one.
		if name == "Content-Length" {
			values, got = values[:1], got[:1]
		}
		if !slices.Equal(values, got) {
			t.Errorf("%s: %q, want %q", name, got, values)
		}
	}
	wantBody, wantErr := io.ReadAll(want.Body)
	if err == nil && wantErr != nil {
		t.Fatalf("net/http refuses the body: %v", wantErr)
	}
	if err == nil && !bytes.Equal(body, wantBody) {
		t.Errorf("body %q, want %q", body, wantBody)
	}
}

func finalResponse(br *bufio.Reader) (*http.Response, error) {
	for {
		r, err := http.ReadResponse(br, nil)
		if err != nil || r.StatusCode >= 200 {
			return r, err
		}
	}
}

// FuzzBlock: a block that has come whole is the one that is read line by line, and
// leaves as much behind.
func FuzzBlock(f *testing.F) {
	for _, seed := range []string{
		ok, ok + ok, "\r\n", "\r\n\r\n", "a\n\r\nb", "a\r\n\nb\r\n\r\n", "a\r\n\r", "a\n\n\n", "", "a: b\r\n", "\n\r\n", "\r\r\n\r\n",
	} {
		f.Add([]byte(seed), byte(0), uint16(1<<10))
		f.Add([]byte(seed), byte(0), uint16(max(len(seed)-1, 0)))
		f.Add([]byte(seed), byte(3), uint16(5))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece byte, limit uint16) {
		fast := bufio.NewReaderSize(pieces(stream, 0), 64)
		slow := bufio.NewReaderSize(pieces(stream, int(piece)), 64)
		got, err := readBlock(fast, int(limit))
		want, wantErr := readLines(slow, int(limit))
		if got != want || err != wantErr {
			t.Fatalf("%q, %v; want %q, %v", got, err, want, wantErr)
		}
		left, _ := io.ReadAll(fast)
		if wantLeft, _ := io.ReadAll(slow); err == nil && !bytes.Equal(left, wantLeft) {
			t.Errorf("%q is left, want %q", left, wantLeft)
		}
	})
}

// FuzzRequestFields: a field is refused, or arrives as it is.
func FuzzRequestFields(f *testing.F) {
	f.Add("X-A", "b")
	f.Add("X-A", "b\r\nX-B: c")
	f.Add("X-A\n", "b")
	f.Add("Content-Length", "0")
	f.Add("X-\x00", "\x7f")
	u := "http://model:8000"
	f.Fuzz(func(t *testing.T, name, value string) {
		r := post("{}")
		r.Header = []Field{{name, value}}
		if r.check() != "" {
			return
		}
		wire := connect(t, u).appendHead(nil, &r)
		got, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(wire), bytes.NewReader(r.Body))))
		if err != nil {
			t.Fatalf("%q: %v", wire, err)
		}
		if len(got.Header) > 4 || got.ContentLength != 2 || got.TransferEncoding != nil || got.Host != "model:8000" {
			t.Errorf("%q arrived as %v", wire, got)
		}
		if v := got.Header.Get(name); v != strings.Trim(value, " \t") {
			t.Errorf("%q: value %q", wire, v)
		}
	})
}
