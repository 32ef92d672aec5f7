package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadMessage(t *testing.T) {
	const next = "NEXT"
	for _, c := range []struct {
		name, message string
		head          head
		body          string
	}{
		{"response", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", head{status: 200, length: 2}, "{}"},
		{"any case, no space", "HTTP/1.1 429 Too Many Requests\r\ncontent-LENGTH:1\r\n\r\nx", head{status: 429, length: 1}, "x"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", head{status: 200, chunked: true}, "abcd"},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", head{status: 200, chunked: true}, ""},
		{"get", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", head{get: true}, ""},
		{"post", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", head{length: 3}, "abc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(c.message + next))
			h, err := readHead(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.head, h, cmp.AllowUnexported(head{})); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
			body, err := h.readBody(r, nil)
			if err != nil || string(body) != c.body {
				t.Errorf("body %q, %v; want %q", body, err, c.body)
			}
			if rest, _ := io.ReadAll(r); string(rest) != next {
				t.Errorf("the reader is at %q, want the next message", rest)
			}
		})
	}
}

func TestReadMessageErrors(t *testing.T) {
	for _, c := range []struct {
		name, message string
		want          error
	}{
		{"nothing", "", io.EOF},
		{"ends in the head", "HTTP/1.1 200 OK\r\nA: b\r\n", io.ErrUnexpectedEOF},
		{"ends in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", io.ErrUnexpectedEOF},
		{"ends in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", io.ErrUnexpectedEOF},
		{"no status", "HTTP/1.1 \n\r\n", errMalformed},
		{"status no number", "HTTP/1.1 2x0 OK\r\n\r\n", errMalformed},
		{"no field", "HTTP/1.1 200 OK\r\nfield\r\n\r\n", errMalformed},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", errMalformed},
		{"enormous length", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", errMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readMessage(c.message); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// readMessage reads a whole message.
func readMessage(message string) ([]byte, error) {
	r := bufio.NewReader(strings.NewReader(message))
	h, err := readHead(r)
	if err != nil {
		return nil, err
	}
	return h.readBody(r, nil)
}

func TestReadHeadAllocatesNothing(t *testing.T) {
	source := strings.NewReader("")
	r := bufio.NewReader(source)
	allocations := testing.AllocsPerRun(100, func() {
		source.Reset("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: now\r\n\r\n")
		r.Reset(source)
		if _, err := readHead(r); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// What net/http accepts with a Content-Length reads the same here, and nothing
// panics.
func FuzzReadMessage(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	f.Add("HTTP/1.1 200 OK\nContent-Length: -2\n\n")
	f.Fuzz(func(t *testing.T, message string) {
		got, err := readMessage(message)
		if err != nil {
			return
		}
		reply, err := http.ReadResponse(bufio.NewReader(strings.NewReader(message)), nil)
		if err != nil || reply.ContentLength < 0 || reply.StatusCode < 200 || reply.StatusCode == 204 || reply.StatusCode == 304 {
			return
		}
		defer reply.Body.Close()
		want, err := io.ReadAll(reply.Body)
		if err == nil && string(got) != string(want) {
			t.Errorf("read %q, net/http reads %q", got, want)
		}
	})
}
