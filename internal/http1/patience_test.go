package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// timed notes the write deadlines of its stream.
type timed struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

// SetWriteDeadline is what http.ResponseController looks for.
func (d *timed) SetWriteDeadline(t time.Time) error {
	d.deadlines = append(d.deadlines, t)
	return nil
}

// TestPatient: an answer of net/http's has a deadline from before its handler until
// after it, and a handler's own ones are left alone.
func TestPatient(t *testing.T) {
	own := time.Now().Add(time.Hour)
	writes := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a"))
		_, _ = w.Write([]byte("b"))
	}
	slow := func(w http.ResponseWriter, _ *http.Request) {
		w.(*patient).extended = time.Now().Add(-patience / 2)
		writes(w, nil)
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    int
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) {}, 2},
		"written":         {writes, 2},
		"written late":    {slow, 3},
		"own deadline": {func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(own); err != nil {
				t.Error(err)
			}
			slow(w, r)
		}, 3},
	} {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		Patient(tt.handler, patience).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if len(w.deadlines) != tt.want {
			t.Errorf("%s: the deadlines are %v", name, w.deadlines)
			continue
		}
		if last := time.Until(w.deadlines[len(w.deadlines)-1]); last > patience || last < patience/2 {
			t.Errorf("%s: the last deadline is in %v", name, last)
		}
		if name == "own deadline" && !w.deadlines[1].Equal(own) {
			t.Errorf("the handler's own deadline is %v", w.deadlines[1])
		}
	}
}

// fieldsOfServers have, by who serves a request, what it needs for that.
var fieldsOfServers = map[string]string{"here": "", "handed over": "Pragma: no-cache\r\n", "left": ""}

// serverOf returns what starts a server where that is so.
func serverOf(who string) func(testing.TB, time.Duration, http.HandlerFunc) (*Server, string) {
	if who == "left" {
		return starters["net/http"]
	}
	return starters["here"]
}

// Who sends requests and reads no answer is cut off, whoever serves him, and his
// handler ends; what a handler allows him holds for its own answer.
func TestClientsThatDoNotRead(t *testing.T) {
	for name, field := range fieldsOfServers {
		t.Run(name, func(t *testing.T) {
			var handling atomic.Int64
			s, address := serverOf(name)(t, 200*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
				handling.Add(1)
				defer handling.Add(-1)
				control := http.NewResponseController(w)
				if err := control.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				if err := control.SetWriteDeadline(time.Time{}); err != nil {
					t.Error(err)
				}
				say(w, strings.Repeat("a", 30<<10))
			})
			c := dial(t, address)
			if err := c.SetReadBuffer(4 << 10); err != nil {
				t.Fatal(err)
			}
			var err error
			for err == nil {
				_, err = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", field)
			}
			if errors.Is(err, os.ErrDeadlineExceeded) { // the client's own
				t.Error("nobody has closed the connection")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience/2)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Errorf("%d handlers run: %v", handling.Load(), err)
			}
		})
	}
}

// An idle connection's deadline of the answer before is none of the next one's.
func TestPatienceBeginsAnew(t *testing.T) {
	_, address := startPatient(t, 300*time.Millisecond, whoServes)
	c := dial(t, address)
	for range 2 {
		c.get("here")
		time.Sleep(400 * time.Millisecond)
	}
	for range 2 {
		c.send("GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n")
		if r, got := c.receive(http.MethodGet); got != "net/http" {
			t.Fatalf("got %s %q", r.Status, got)
		}
		time.Sleep(400 * time.Millisecond)
	}
}

// TestCutOff: whoever is waited for can be cut off by another goroutine, whether he is
// to read or to send, and whoever serves him. Deadlines that the handler sets change nothing.
func TestCutOff(t *testing.T) {
	for name, field := range fieldsOfServers {
		for _, reads := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reads %v", name, reads), func(t *testing.T) {
				ended := make(chan error, 1)
				waiting := make(chan http.ResponseWriter, 1)
				_, address := serverOf(name)(t, patience, func(w http.ResponseWriter, r *http.Request) {
					control := http.NewResponseController(w)
					waiting <- w
					var err error
					for err == nil {
						_ = control.SetReadDeadline(time.Now().Add(time.Hour))
						_ = control.SetWriteDeadline(time.Now().Add(time.Hour))
						if reads {
							_, err = r.Body.Read(make([]byte, 1000))
						} else {
							_, err = w.Write(make([]byte, 64<<10))
						}
					}
					ended <- err
				})
				c := dial(t, address)
				if err := c.SetReadBuffer(4 << 10); err != nil {
					t.Fatal(err)
				}
				c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n" + field + "\r\nabc")
				w := <-waiting
				select {
				case err := <-ended:
					t.Fatalf("it ended by itself: %v", err)
				case <-time.After(50 * time.Millisecond): // it waits by now, or will soon
				}
				w.(interface{ CutOff() }).CutOff()
				select {
				case err := <-ended:
					if err == io.EOF {
						t.Error("the body looks complete")
					}
				case <-time.After(patience):
					t.Fatal("the handler still waits")
				}
				if _, err := http.ReadResponse(c.br, nil); err == nil {
					_, err = io.Copy(io.Discard, c.br)
					if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error("the connection is open")
					}
				}
			})
		}
	}
}
