package main

import (
	"encoding/json"
	"testing"
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
