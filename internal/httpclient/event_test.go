package httpclient

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drip sends a piece of a body every second, and the end of it after the last.
func drip(pieces ...string) script {
	return func(_ int, p *peer) {
		for p.request() != nil {
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for _, piece := range pieces {
				time.Sleep(time.Second)
				if _, err := io.WriteString(p, "1\r\n"+piece+"\r\n"); err != nil {
					return
				}
			}
			time.Sleep(time.Second)
			p.say("0\r\n\r\n")
		}
	}
}

// watched reads a body whose events are the letter e, and returns what has come and
// how it ended.
func watched(b Body, busy time.Duration) (came string, err error) {
	b.CountEvents()
	for {
		piece, err := b.Next()
		if err != nil {
			return came, err
		}
		came += string(piece)
		if strings.Contains(string(piece), "e") {
			b.Event()
			time.Sleep(busy)
		}
	}
}

// Only events keep a body alive whose events are counted.
func TestEventsKeepABodyAlive(t *testing.T) {
	tests := map[string]struct {
		pieces string
		busy   time.Duration // of the reader, after each event
		came   string
		phase  Phase
	}{
		"events":                    {"eeeeeee", 0, "eeeeeee", 0},
		"comments between events":   {"e..e..e", 0, "e..e..e", 0},
		"nothing but comments":      {"e........", 0, "e...", Idle},
		"comments before the first": {".....e", 0, ".....e", 0},
		"no event at all":           {"..............", 0, "..........", FirstByte},
		"a reader that is slow":     {"eeee", 5 * time.Second, "eeee", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, _ := piped(t, drip(strings.Split(tt.pieces, "")...))
				r := post("{}")
				r.FirstByteTimeout, r.ResponseTimeout, r.IdleTimeout = 9500*time.Millisecond, 0, 3500*time.Millisecond
				response, err := s.Do(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				came, err := watched(response.Body, tt.busy)
				response.Body.Close()
				time.Sleep(2 * time.Second) // until the model server has noticed
				var e *Error
				timedOut := errors.As(err, &e) && e.Kind == Timeout
				if came != tt.came || tt.phase == 0 && err != io.EOF || tt.phase != 0 && (!timedOut || e.Phase != tt.phase) {
					t.Errorf("%q has come, then %v; want %q and %v", came, err, tt.came, tt.phase)
				}
			})
		})
	}
}

// A body whose reader knows that it has come to its end is not waited for.
func TestConcludedBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dials, _ := piped(t, drip("e", "e", "e"))
		for _, patience := range []time.Duration{1500 * time.Millisecond, 0, 1500 * time.Millisecond} {
			r := post("{}")
			r.ResponseTimeout, r.IdleTimeout = 0, time.Minute
			response, err := s.Do(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := response.Body.Next(); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			response.Body.Hurry(patience)
			_, err = response.Body.Next()
			if waited := time.Since(begun); (err == io.EOF) != (patience > 0) || waited > time.Second+partMost {
				t.Errorf("with a patience of %v: %v after %v", patience, err, waited)
			}
			response.Body.Close()
			time.Sleep(2 * time.Second)
		}
		if n := dials.Load(); n != 2 {
			t.Errorf("%d connections, want one that is kept, and one after the end that did not come in time", n)
		}
	})
}

func TestEndsWithConnection(t *testing.T) {
	for head, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":                            false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n": false,
		"HTTP/1.0 200 OK\r\n\r\nok":                                                 true,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok":                            true,
	} {
		s := connect(t, listen(t, func(_ int, p *peer) {
			p.request()
			p.say(head)
		}).url())
		response, err := s.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Body.EndsWithConnection(); got != want {
			t.Errorf("%q: ends with its connection: %v, want %v", head, got, want)
		}
		response.Body.Close()
	}
}
