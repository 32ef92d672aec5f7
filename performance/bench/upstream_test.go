package main

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

func listen(t *testing.T, pace time.Duration) *Upstream {
	t.Helper()
	u, err := ListenUpstream(pace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func TestUpstreamAnswers(t *testing.T) {
	u := listen(t, 0)
	_, body, err := post(t.Context(), u.Address(), chatBody)
	if err != nil || !json.Valid([]byte(body)) {
		t.Errorf("%s, %v", body, err)
	}
	if err := isReady(u.Address())(t.Context()); err != nil {
		t.Errorf("a GET: %v", err)
	}
}

func TestUpstreamCloseEndsStreams(t *testing.T) {
	u := listen(t, time.Millisecond)
	streams, err := OpenStreams(t.Context(), u.Address(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()
	u.Close()
	if err := <-streams.ended; err == nil {
		t.Error("the streams go on")
	}
}

func TestModelsAnswerIsJSON(t *testing.T) {
	for name, raw := range map[string][]byte{"answer": answer, "models": models} {
		body, err := readMessage(string(raw))
		if err != nil || !json.Valid(body) {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
}

// Being late costs events; they are not sent in a bunch afterwards.
func TestSleepUntilCatchesUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Upstream{pace: 10 * time.Millisecond}
		start := time.Now()
		for _, c := range []struct {
			name       string
			next, want time.Duration // from start
		}{
			{"in time", 10 * time.Millisecond, 20 * time.Millisecond},
			{"a little late", 5 * time.Millisecond, 15 * time.Millisecond},
			{"much late", -100 * time.Millisecond, 20 * time.Millisecond},
		} {
			next := u.sleepUntil(start.Add(c.next))
			if got := next.Sub(start); got != c.want {
				t.Errorf("%s: the next event is due at %v, want %v", c.name, got, c.want)
			}
		}
	})
}
