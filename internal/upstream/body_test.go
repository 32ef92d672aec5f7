package upstream

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// TestSignsOfStreams: what the reader of a stream that breaks off has said of it decides
// what that says about the server. It runs there until it has broken off.
func TestSignsOfStreams(t *testing.T) {
	tests := map[string]struct {
		say    func(*Body)
		blamed int
	}{
		"nothing":           {func(*Body) {}, 1},
		"it had ended":      {func(b *Body) { b.Conclude(time.Minute) }, 0},
		"nobody wants more": {(*Body).Part, 0},
		"it is no good":     {(*Body).Blame, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			breaks := listen(t, func(_ int, p *peer) {
				p.request()
				p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
				p.request()
			})
			p, f := poolOf(t, breaks.url())
			r, err := p.Do(t.Context(), post("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if view, err := r.Body.Next(); string(view) != "ok" || err != nil {
				t.Fatalf("%q, %v", view, err)
			}
			tt.say(r.Body)
			if n := p.servers[0].Running(); n != 1 {
				t.Errorf("%d requests run while the body is open", n)
			}
			breaksOff(t, r.Body, breaks)
			if n := f.of(p.servers[0]); n != tt.blamed {
				t.Errorf("the server is blamed %d times, want %d", n, tt.blamed)
			}
			if n := p.servers[0].Running(); n != 0 {
				t.Errorf("%d requests run after the body broke off", n)
			}
		})
	}
}

// breaksOff has the connections of l end, and reads the error that b ends with.
func breaksOff(t *testing.T, b *Body, l *listener) {
	t.Helper()
	l.hangUp()
	_, err := b.Next()
	var e *Error
	if !errors.As(err, &e) || e.Kind != Broken {
		t.Errorf("the body ends with %v", err)
	}
	if _, again := b.Read(make([]byte, 1)); again != err {
		t.Errorf("the error does not stay: %v", again)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	_ = b.Close()
}

// TestReadAfterClose tells a body that was given up from one that has ended.
func TestReadAfterClose(t *testing.T) {
	p, _ := poolOf(t, listen(t, answer(ok)).url())
	for _, read := range []bool{false, true} {
		r, err := p.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		want := httpclient.ErrBodyClosed
		if read {
			_, _ = io.ReadAll(r.Body)
			want = io.EOF
		}
		_ = r.Body.Close()
		if _, err := r.Body.Next(); err != want {
			t.Errorf("a read after Close ends with %v, want %v", err, want)
		}
	}
}
