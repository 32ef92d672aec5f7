package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// handlers answer in all the ways that there are.
var handlers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"a short answer": func(w http.ResponseWriter, _ *http.Request) {
		say(w, "hello, ", "world")
	},
	"nothing but empty pieces": func(w http.ResponseWriter, _ *http.Request) { say(w, "", "") },
	"a status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // one too many
		say(w, "tea")
	},
	"a status that nobody knows": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(499) },
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "3")
		w.WriteHeader(http.StatusNoContent)
		_, err := io.WriteString(w, "abc")
		want(w, err, http.ErrBodyNotAllowed)
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"a declared length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "10")
		say(w, "hello", "world")
	},
	"more than declared": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		say(w, "hello")
		_, err := io.WriteString(w, "world")
		want(w, err, http.ErrContentLength)
	},
	"less than declared": func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			w.Header().Set("Content-Length", "10")
		}
		say(w, "hello")
	},
	"a long answer": func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Repeat("0123456789", 1000)) },
	"a long answer, bit by bit": func(w http.ResponseWriter, _ *http.Request) {
		say(w, strings.Split(strings.Repeat("0123456789 ", 1000), " ")...)
	},
	"a very long answer": func(w http.ResponseWriter, _ *http.Request) { say(w, "a", strings.Repeat("0123456789", 200_000), "z") },
	"a very long answer of declared length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000001")
		say(w, "a", strings.Repeat("0123456789", 100_000))
	},
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			say(w, fmt.Sprintf("data: %d\n\n", i))
			want(w, http.NewResponseController(w).Flush(), nil)
		}
	},
	"flushed before anything": func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		say(w, "hello")
	},
	"a header that would end the head": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-A"] = []string{" a\r\nX-B: c\n\r\n ", "", "d"}
		w.Header()["X C"] = []string{"e"}
		w.Header()["X-D\r\n"] = []string{"f"}
		w.Header()["X-E"] = nil
	},
	"many fields": func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("v", i))
		}
	},
	"a date": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
	"encoded": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		say(w, "hello")
	},
	"no type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		say(w, "hello")
	},
	"html, bit by bit": func(w http.ResponseWriter, _ *http.Request) {
		say(w, "<", "!DOCTYPE html><p>"+strings.Repeat("a", 5000))
	},
	"a length that is taken back": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.WriteHeader(http.StatusOK)
		w.Header().Del("Content-Length")
		say(w, "hello")
	},
	"html": func(w http.ResponseWriter, _ *http.Request) { say(w, "<!DOCTYPE html><p>") },
	"the last one": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		say(w, "bye")
	},
	"an error":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) },
	"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"broken off": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
	"broken off later": func(w http.ResponseWriter, _ *http.Request) {
		say(w, "hello")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"a fault": func(w http.ResponseWriter, _ *http.Request) { panic("a fault") },
	"the body is read in part": func(w http.ResponseWriter, r *http.Request) {
		var b [1]byte
		n, err := r.Body.Read(b[:])
		say(w, fmt.Sprint(n, err))
	},
	"the body is closed": func(w http.ResponseWriter, r *http.Request) {
		_ = r.Body.Close()
		if r.ContentLength > 0 {
			_, err := r.Body.Read(make([]byte, 1))
			want(w, err, http.ErrBodyReadAfterClose)
		}
		w.Header().Set("Connection", "close") // net/http closes without saying so
		say(w, "bye")
	},
	"the body is read too late": func(w http.ResponseWriter, r *http.Request) {
		say(w, "hello")
		_ = http.NewResponseController(w).Flush()
		if r.ContentLength > 0 {
			_, err := r.Body.Read(make([]byte, 1))
			want(w, err, http.ErrBodyReadAfterClose)
		}
	},
	"the body is echoed": func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		want(w, err, nil)
		say(w, string(b))
	},
}

func say(w io.Writer, pieces ...string) {
	for _, p := range pieces {
		_, _ = io.WriteString(w, p)
	}
}

// want breaks the answer off where an error is not the wanted one.
func want(w http.ResponseWriter, err, want error) {
	if !errors.Is(err, want) || err != nil && want == nil {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		panic(fmt.Sprintf("the error is %v, not %v", err, want))
	}
}

// TestAnswers compares what clients get from a handler here with what they get from
// net/http, to two requests that are sent at once.
func TestAnswers(t *testing.T) {
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			_, ours := start(t, h)
			_, left := startHandedOver(t, patience, h)
			theirs := startOther(t, h)
			for _, method := range []string{"GET", "HEAD", "POST"} {
				request := method + " / HTTP/1.1\r\nHost: a\r\n\r\n"
				if method == "POST" {
					request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
				}
				sent := []byte(request + request)
				got, want := answers(t, ours, sent, method), answers(t, theirs, sent, method)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-net/http, +here):\n%s", method, diff)
				}
				if diff := cmp.Diff(want, answers(t, left, sent, method)); diff != "" {
					t.Errorf("%s (-net/http, +left to it):\n%s", method, diff)
				}
			}
		})
	}
}

// TestLargeHeaderIsNotKept: what an answer with many fields needed does not stay with
// its connection.
func TestLargeHeaderIsNotKept(t *testing.T) {
	for fields, kept := range map[int]bool{headerFieldsMax: true, headerFieldsMax + 1: false} {
		w := response{header: make(http.Header)}
		for i := range fields {
			w.header[fmt.Sprint("X-", i)] = []string{"v"}
		}
		w.reset()
		if len(w.header) != 0 || (w.header != nil) != kept {
			t.Errorf("of %d fields %d are left; kept: %t", fields, len(w.header), w.header != nil)
		}
	}
}
