package streams

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// withheld are the streams whose events wait for each other.
var withheld = []struct {
	name, path, more, mock string
}{
	{"chat", chatPath, ``, `"output_tokens":12`},
	{"chat, three choices with usage", chatPath, `,"n":3,"stream_options":{"include_usage":true}`, `"output_tokens":5`},
	{"chat, CRLF in odd frames", chatPath, ``, `"output_tokens":6,"split":9`},
	{"completions", completionsPath, ``, `"output_tokens":12`},
	{"messages", messagesPath, ``, `"output_tokens":8,"ping":true`},
	{"responses", responsesPath, ``, `"output_tokens":8`},
}

// TestEveryEventIsFlushed reads streams whose next event is generated only when
// the one before has been read: a proxy that holds anything back never ends.
func TestEveryEventIsFlushed(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 1000000}"})
	var delays []time.Duration
	for i, tt := range withheld {
		id := fmt.Sprintf("flushed-%d", i)
		c := open(t, g.URL, tt.path, "alice", id, streamed(tt.path, tt.more, tt.mock+`,"ack":true`))
		hidden := takesOptions(tt.path) && tt.more == ``
		events := readAcknowledging(t, g, c, id, hidden)
		e, _ := g.Ledger.Entry(id)
		sent := e.Events
		if hidden { // the total, which is the last but one
			sent = slices.Delete(sent, len(sent)-2, len(sent)-1)
		}
		if len(sent) != len(events) {
			t.Fatalf("%s: %d events were sent and %d read", tt.name, len(sent), len(events))
		}
		for i := range events {
			if i > 0 && sent[i].Sent.Before(events[i-1].at) {
				t.Errorf("%s: event %d was sent before the one before was read", tt.name, i)
			}
			delays = append(delays, events[i].at.Sub(sent[i].Sent))
		}
	}
	slices.Sort(delays)
	median := delays[len(delays)/2]
	t.Logf("%d events were read %v (median), %v (most) after they were sent", len(delays), median, delays[len(delays)-1])
	if median > 50*time.Millisecond {
		t.Errorf("an event takes %v", median)
	}
}

// received is an event and when it was read.
type received struct {
	text string
	at   time.Time
}

// readAcknowledging reads a stream to its end and lets each event go when the
// one before has been read. A total that the client does not see comes after the
// last finish_reason, and waits for an acknowledgement of its own.
func readAcknowledging(t *testing.T, g *apptest.Gateway, c *call, id string, hidden bool) (events []received) {
	t.Helper()
	for {
		event, err := c.next()
		if err != nil {
			break
		}
		events = append(events, received{event, time.Now()})
		g.Mock.Ack(id)
		if hidden && strings.Contains(event, `"finish_reason":"`) {
			g.Mock.Ack(id)
		}
	}
	if len(events) < 5 {
		t.Fatalf("the stream has %d events only", len(events))
	}
	return events
}
