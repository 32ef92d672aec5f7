package answer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestWithhold withholds the events of each stream from each one on, as many as
// come before the model server stops, and checks that the client gets a proper end
// all the same: every choice ends once, blocks that it has seen begin are closed,
// and the usage comes if it was asked for. What is withheld is metered.
func TestWithhold(t *testing.T) {
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		options  StreamOptions
		stream   string
	}{
		{"chat", wire.ChatCompletions, StreamOptions{Choices: 3}, script{n: 3, prompts: 1, tokens: 2}.forced().chat()},
		{"chat with usage", wire.ChatCompletions, StreamOptions{Choices: 2, IncludeUsage: true}, script{n: 2, prompts: 1, tokens: 2}.forced().chat()},
		{"chat with all usage", wire.ChatCompletions, StreamOptions{IncludeUsage: true, ContinuousUsage: true}, script{n: 1, prompts: 1, tokens: 2}.forced().chat()},
		{"completions", wire.Completions, StreamOptions{Choices: 2, Prompts: 2, IncludeUsage: true}, script{n: 2, prompts: 2, tokens: 2}.forced().completions()},
		{"messages", wire.Messages, StreamOptions{}, messagesStream},
		{"responses", wire.Responses, StreamOptions{}, responsesStream},
	}
	for _, tt := range tests {
		events := strings.SplitAfter(tt.stream, "\n\n")
		for k := range events[:len(events)-1] {
			for end := k + 1; end < len(events); end++ {
				t.Run(fmt.Sprintf("%s/%d-%d", tt.name, k, end), func(t *testing.T) {
					s := newStream(tt.endpoint, tt.options)
					seen := relayString(s, strings.Join(events[:k], ""))
					for _, withheld := range events[k:end] {
						relayString(s, withheld)
						s.Withhold()
					}
					all := newStream(tt.endpoint, tt.options)
					relayString(all, strings.Join(events[:end], ""))
					got, evidence := s.Tally().Usage, s.Tally().Evidence
					if want, e := all.Tally().Usage, all.Tally().Evidence; got != want || evidence != e || s.Tally().Unmetered != all.Tally().Unmetered {
						t.Errorf("the usage is %v, %v, want %v, %v", got, evidence, want, e)
					}
					seen += string(s.AppendFinish(nil, wire.Usage{Input: 30, Output: 1}))
					checkProper(t, tt.endpoint, tt.options, seen)
				})
			}
		}
	}
}

// checkProper checks what a client sees of an answer that was stopped.
func checkProper(t *testing.T, e wire.Endpoint, o StreamOptions, seen string) {
	t.Helper()
	checkFinished(t, e, o, seen)
	count := func(part string) int { return strings.Count(seen, part) }
	switch e {
	case wire.ChatCompletions, wire.Completions:
		for i := range max(o.Choices, 1) * max(o.Prompts, 1) {
			index := fmt.Sprintf(`"index":%d,`, i)
			finishes := 0
			for event := range strings.SplitSeq(seen, "\n\n") {
				if strings.Contains(event, index) && strings.Contains(event, `"finish_reason":"`) {
					finishes++
				}
			}
			if began := strings.Contains(seen, index); finishes > 1 || began && finishes == 0 {
				t.Errorf("choice %d has ended %d times: %s", i, finishes, seen)
			}
		}
		if totals := count(`"choices":[],"usage"`); o.IncludeUsage != (totals == 1) || count("[DONE]") != 1 {
			t.Errorf("%d totals, %d ends: %s", totals, count("[DONE]"), seen)
		}
	case wire.Messages:
		if count("event: content_block_start") != count("event: content_block_stop") {
			t.Errorf("a block is open: %s", seen)
		}
		if count("event: message_delta") != 1 || count("event: message_stop") != 1 {
			t.Errorf("the message has no proper end: %s", seen)
		}
	case wire.Responses:
		if count("event: response.incomplete") != 1 || count("event: response.completed") != 0 {
			t.Errorf("the response has no proper end: %s", seen)
		}
	}
}
