package httpclient

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// giveUps are the ways in which a request is given up before its end. Each sends
// one and returns once the server's package says that it is over.
var giveUps = map[string]func(t *testing.T, s *Client, working <-chan struct{}){
	"abandoned": func(t *testing.T, s *Client, working <-chan struct{}) {
		r := begun(t, t.Context(), s, post("{}"))
		within(t, working, "the server to work")
		r.Body.Abandon()
		if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != ErrBodyClosed {
			t.Errorf("a read after it: %d, %v", n, err)
		}
	},
	"cancelled in the body": func(t *testing.T, s *Client, working <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		r := begun(t, ctx, s, post("{}"))
		go func() { <-working; cancel() }()
		if _, err := io.ReadAll(r.Body); err == nil || err.(*Error).Kind != Canceled {
			t.Errorf("the error is %v", err)
		}
	},
	"cancelled before the head": func(t *testing.T, s *Client, working <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-working; cancel() }()
		if e := fails(t, ctx, s, post("silent")); e.Kind != Canceled {
			t.Errorf("the error is %v", e)
		}
	},
	"cancelled by a context that calls by itself": func(t *testing.T, s *Client, working <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		calling := &callingContext{Context: ctx}
		var ended time.Time
		go func() { <-working; ended = time.Now(); cancel(); calling.call() }()
		e := fails(t, calling, s, post("silent"))
		if took := time.Since(ended); e.Kind != Canceled || took > patience/2 {
			t.Errorf("the error after %v is %v", took, e)
		}
	},
	"cancelled as the head comes": func(t *testing.T, s *Client, working <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := &lateContext{Context: ctx, after: working}
		if e := fails(t, cancelled, s, post("{}")); e.Kind != Canceled {
			t.Errorf("the error is %v", e)
		}
		cancel()
	},
	"cancelled while a large body is written": func(t *testing.T, s *Client, working <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-working; cancel() }()
		if e := fails(t, ctx, s, post("unread"+strings.Repeat("x", 16<<20))); e.Kind != Canceled {
			t.Errorf("the error is %v", e)
		}
	},
	"timed out": func(t *testing.T, s *Client, _ <-chan struct{}) {
		r := post("silent")
		r.ResponseTimeout = 50 * time.Millisecond
		if e := fails(t, t.Context(), s, r); e.Kind != Timeout || e.Phase != Whole {
			t.Errorf("the error is %v", e)
		}
	},
	"malformed": func(t *testing.T, s *Client, _ <-chan struct{}) {
		if e := fails(t, t.Context(), s, post("malformed")); e.Kind != Protocol {
			t.Errorf("the error is %v", e)
		}
	},
}

// lateContext has ended once after is closed, but nobody is called: the moment
// between the end of a context and what follows from it.
type lateContext struct {
	context.Context
	after <-chan struct{}
}

// Err implements context.Context.
func (c *lateContext) Err() error {
	select {
	case <-c.after:
		return context.Canceled
	default:
		return nil
	}
}

// callingContext is a context that calls nobody at its end but those who have asked it
// itself, and those too who have changed their minds.
type callingContext struct {
	context.Context
	mu    sync.Mutex
	calls []func()
}

// Done implements context.Context.
func (c *callingContext) Done() <-chan struct{} { return make(chan struct{}) }

// AfterFunc is for context.AfterFunc.
func (c *callingContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, f)
	return func() bool { return false }
}

func (c *callingContext) call() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.calls {
		go f()
	}
}

// begun returns a response of which more is to come.
func begun(t *testing.T, ctx context.Context, s *Client, r Request) Response {
	t.Helper()
	response, err := s.Do(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := response.Body.Next(); err != nil {
		t.Fatal(err)
	}
	return response
}

// worker plays a model server that works until it has noticed that the client
// left, and some time longer, and that then closes if it closes at all.
func worker(working chan struct{}, idle *atomic.Bool, closes <-chan struct{}) script {
	return func(_ int, p *peer) {
		request := make([]byte, 9)
		for head := ""; !strings.HasSuffix(head, "\r\n\r\n"); {
			c, err := p.br.ReadByte()
			if err != nil {
				return
			}
			head += string(c)
		}
		n, _ := io.ReadAtLeast(p.br, request, 2)
		close(working)
		switch what := string(request[:n]); {
		case strings.HasPrefix(what, "malformed"):
			p.say("nonsense\r\n\r\n")
		case strings.HasPrefix(what, "{}"):
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
		}
		_, _ = io.Copy(io.Discard, p.br) // until the client leaves
		time.Sleep(20 * time.Millisecond)
		idle.Store(true)
		<-closes
	}
}

// TestGivenUp: whoever gives a request up learns that the server has stopped.
func TestGivenUp(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	for name, giveUp := range giveUps {
		t.Run(name, func(t *testing.T) {
			working, idle := make(chan struct{}), new(atomic.Bool)
			s := connect(t, listen(t, worker(working, idle, closed)).url())
			giveUp(t, s, working)
			if !idle.Load() {
				t.Error("the server is still working")
			}
			if n := s.Idle(); n != 0 {
				t.Errorf("%d connections are kept", n)
			}
		})
	}
}

// TestGivenUpDeaf: a server that does not close is not waited for long.
func TestGivenUpDeaf(t *testing.T) {
	for name, giveUp := range giveUps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			working, closes := make(chan struct{}), make(chan struct{})
			s := connect(t, listen(t, worker(working, new(atomic.Bool), closes)).url())
			begin := time.Now()
			giveUp(t, s, working)
			if took := time.Since(begin); took < partGrace || took > patience/2 {
				t.Errorf("it took %v", took)
			}
			close(closes)
		})
	}
}

// TestPart: what the server has sent before it closes can be read, and no other
// request gets the connection, even where the response comes to its end.
func TestPart(t *testing.T) {
	const more = 256 << 10
	for name, sent := range map[string]int{"all of it": more, "not all of it": more - 1} {
		t.Run(name, func(t *testing.T) {
			s := connect(t, listen(t, func(_ int, p *peer) {
				p.request()
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n!")
				_, _ = io.Copy(io.Discard, p.br) // until the client leaves
				p.say(strings.Repeat("x", sent))
			}).url())
			r, err := s.Do(t.Context(), post("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := r.Body.Next(); err != nil || string(b) != "!" {
				t.Fatalf("%q, %v", b, err)
			}
			r.Body.Part()
			got, err := io.ReadAll(r.Body)
			if len(got) != sent || (err == nil) != (sent == more) {
				t.Errorf("%d bytes came, want %d; %v", len(got), sent, err)
			}
			r.Body.Abandon()
			if n := s.Idle(); n != 0 {
				t.Errorf("%d connections are kept", n)
			}
		})
	}
}

// TestAnswerToNobody: a response that begins after its request was cancelled is
// none.
func TestAnswerToNobody(t *testing.T) {
	working := make(chan struct{})
	s := connect(t, listen(t, func(_ int, p *peer) {
		p.request()
		close(working)
		_, _ = io.Copy(io.Discard, p.br) // until the client leaves
		p.say(ok)
	}).url())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-working; cancel() }()
	if e := fails(t, ctx, s, post("{}")); e.Kind != Canceled || !e.Sent {
		t.Errorf("the error is %v", e)
	}
	if n := s.Idle(); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

// TestAbandonAfterEnd: abandoning a body that was read keeps the connection.
func TestAbandonAfterEnd(t *testing.T) {
	s := connect(t, listen(t, answer(ok)).url())
	r, _ := exchange(t, s, post("{}"))
	r.Body.Abandon()
	r.Body.Abandon()
	if n := s.Idle(); n != 1 {
		t.Errorf("%d connections are kept, want 1", n)
	}
}
