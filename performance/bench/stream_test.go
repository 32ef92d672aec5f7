package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestStreams(t *testing.T) {
	u := listen(t, time.Millisecond)
	streams, err := OpenStreams(t.Context(), u.Address(), 3)
	if err != nil {
		t.Fatal(err)
	}
	streams.Record()
	for before := streams.Events(); streams.Events() < before+30; {
		if err := pause(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := streams.Err(); err != nil {
		t.Error(err)
	}
	if delay := streams.Close(); delay.P50 <= 0 || delay.P50 > time.Second {
		t.Errorf("an event takes %v", delay.P50)
	}
	if u.Streams.Load() != 3 || u.Metered.Load() != 0 {
		t.Errorf("%d streams, %d metered; want 3 and 0", u.Streams.Load(), u.Metered.Load())
	}
}

func TestStreamsThatDoNotBegin(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"429":          func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", http.StatusTooManyRequests) },
		"answered 200": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("no stream")) },
		"ended after 1": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("data: [DONE]\n\n"))
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			streams, err := OpenStreams(t.Context(), serve(t, handler), 1)
			if err == nil { // it began: its end must show
				err = <-streams.ended
				streams.Close()
			}
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want one with %q", err, name)
			}
		})
	}
}
