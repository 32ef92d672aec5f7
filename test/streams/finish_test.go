package streams

import (
	"fmt"
	"strings"
	"testing"
)

// ending is what a client makes of the end of a stream.
type ending struct {
	Finish  map[int]string // reason by choice
	Ends    int            // how often each choice has ended, at most
	Total   *tokens
	Done    int // [DONE], message_stop or the last response event
	Errors  int
	Reason  string // of messages and responses
	Relayed int64  // generated tokens, one for each event that has some
}

// conclude reads how a stream ended.
func conclude(t *testing.T, stream string) ending {
	t.Helper()
	e := ending{Finish: map[int]string{}}
	ends := map[int]int{}
	for _, event := range split(stream) {
		if data(event) == "[DONE]" {
			e.Done++
			continue
		}
		c := read(t, event)
		if c.Type == "" || strings.HasSuffix(c.Type, "delta") {
			e.Relayed += relayed(event)
		}
		for _, choice := range c.Choices {
			if choice.FinishReason != nil {
				e.Finish[choice.Index] = *choice.FinishReason
				ends[choice.Index]++
				e.Ends = max(e.Ends, ends[choice.Index])
			}
		}
		if c.Choices != nil && len(c.Choices) == 0 {
			e.Total = c.Usage
		}
		if c.Error != nil || c.Type == "error" {
			e.Errors++
		}
		e.readType(t, event, c)
	}
	return e
}

// readType reads the last events of messages and responses.
func (e *ending) readType(t *testing.T, event string, c chunk) {
	t.Helper()
	switch c.Type {
	case "message_delta":
		e.Total = c.Usage
		_, reason, _ := strings.Cut(event, `"stop_reason":"`)
		e.Reason, _, _ = strings.Cut(reason, `"`)
	case "message_stop":
		e.Done++
	case "response.incomplete", "response.completed":
		e.Done++
		e.Total = c.Response.Usage
		e.Reason = c.Response.Status
		if c.Response.Details != nil {
			e.Reason += " " + c.Response.Details.Reason
		}
	}
}

// checkStopped checks that a stream was ended by its limits, and properly for
// its endpoint and what the client asked for. It returns the end.
func checkStopped(t *testing.T, path, more, stream string) ending {
	t.Helper()
	e := conclude(t, stream)
	if e.Done != 1 || e.Errors != 0 {
		t.Errorf("there are %d ends and %d errors: %s", e.Done, e.Errors, tail(stream))
	}
	switch path {
	case messagesPath:
		if e.Reason != "max_tokens" || strings.Count(stream, "event: content_block_start") != strings.Count(stream, "event: content_block_stop") ||
			strings.Count(stream, "event: message_delta") != 1 || e.Total == nil {
			t.Errorf("the message does not end properly: %s", tail(stream))
		}
		return e
	case responsesPath:
		if e.Reason != "incomplete max_output_tokens" || e.Total == nil {
			t.Errorf("the response does not end properly: %s", tail(stream))
		}
		return e
	}
	if len(e.Finish) != choicesOf(more) || e.Ends != 1 {
		t.Errorf("%d choices ended, one of them %d times: %s", len(e.Finish), e.Ends, tail(stream))
	}
	if wanted := strings.Contains(more, `"include_usage":true`); wanted != (e.Total != nil) {
		t.Errorf("usage was asked for: %v, and told: %v: %s", wanted, e.Total, tail(stream))
	}
	length := 0
	for _, reason := range e.Finish {
		if reason == "length" {
			length++
		}
	}
	// Of sequences that are not returned (best_of) the client sees no end.
	if length == 0 && !strings.Contains(more, "best_of") {
		t.Errorf("no choice has ended for its length: %s", tail(stream))
	}
	return e
}

// choicesOf returns how many choices the members of a request ask for.
func choicesOf(more string) int {
	n := 1
	for _, many := range []int{2, 3} {
		if strings.Contains(more, fmt.Sprintf(`"n":%d`, many)) {
			n = many
		}
	}
	return n
}

// tail returns the end of a stream, for messages.
func tail(stream string) string { return stream[max(0, len(stream)-1500):] }
