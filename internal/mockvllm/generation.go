package mockvllm

import (
	"cmp"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// token is one generated token on its way into a stream.
type token struct {
	sequence *sequence
	first    int64 // of the tokens that the event has, within its sequence
	index    int64 // of the last of them; -1 if the sequence is empty
	last     bool
}

// dialect writes the answers of one endpoint.
type dialect interface {
	// open sends the events before the first token, token those of one token,
	// end those after the last one.
	open(out *eventStream)
	token(out *eventStream, t token)
	end(out *eventStream)
	// answer returns the JSON answer.
	answer() []byte
}

// answerGeneration generates and sends the answer, a JSON answer when it is complete. Its
// pace is that of a stream, and like a stream it stops when the client leaves.
func (j *job) answerGeneration(turn chan struct{}) error {
	var out *eventStream
	if j.body.Stream {
		out = j.newStream()
		defer j.server.acks.CompareAndDelete(j.id, out.acks)
	}
	if err := j.prefill(turn); err != nil {
		return err
	}
	d := j.dialect()
	err := j.decode(d, out)
	if out == nil && (err == nil || err == errCut) {
		return j.writeAnswer(d.answer())
	}
	if err != nil {
		return err
	}
	d.end(out)
	return out.err
}

// decode generates round by round, one token of every unfinished sequence in
// each, as an engine's batch does. out is nil for a JSON answer.
func (j *job) decode(d dialect, out *eventStream) error {
	b := &j.behavior
	if out == nil && b.FirstTokenMillis+b.TokenMillis == 0 && b.Fail == NoFault { // all at once
		now := j.server.options.Clock()
		for k := range j.sequences {
			j.generate(k, j.sequences[k].tokens, now)
		}
		return nil
	}
	start := time.Now()
	if err := j.pace(start, 0); err != nil {
		return err
	}
	if err := j.begin(d, out); err != nil {
		return err
	}
	var rounds int64
	for i := range j.sequences {
		rounds = max(rounds, j.sequences[i].tokens)
	}
	for i := range rounds {
		if i > 0 {
			if err := j.pace(start, i); err != nil {
				return err
			}
		}
		if err := j.round(d, out, i); err != nil {
			return err
		}
	}
	j.sent = max(j.sent, j.behavior.AfterTokens) // whatever has not struck yet does so now
	return j.strike(out)
}

// begin sends what comes before the first token. An error that strikes before
// it is the first event, as in vLLM.
func (j *job) begin(d dialect, out *eventStream) error {
	if j.behavior.Fail == ErrorEvent {
		if err := j.strike(out); err != nil {
			return err
		}
	}
	if out == nil {
		return nil
	}
	d.open(out)
	for _, s := range j.choices() {
		if s.tokens == 0 && out.err == nil {
			d.token(out, token{sequence: s, first: -1, index: -1, last: true})
		}
	}
	return out.err
}

// round generates token i of every sequence that has one. The ledger knows a
// token before the client does.
func (j *job) round(d dialect, out *eventStream, i int64) error {
	for k := range j.sequences {
		s := &j.sequences[k]
		if i >= s.tokens {
			continue
		}
		if out != nil {
			// A token that is withheld is not generated either.
			if err := out.awaitAck(); err != nil {
				return err
			}
		}
		if err := j.strike(out); err != nil {
			return err
		}
		j.generate(k, 1, j.server.options.Clock())
		j.sent++
		if out == nil || s.choice < 0 {
			continue
		}
		if t, due := j.due(s, i); due {
			d.token(out, t)
		}
		if out.err != nil {
			return out.err
		}
	}
	return nil
}

func (j *job) generate(k int, n int64, now time.Time) {
	j.record.generate(k, n, now)
	j.model.generationTokens.Add(n)
}

// due returns what the event has that token i of a sequence makes due, if it does. As in
// vLLM, stream_interval is how many tokens an event has, but for the first and
// the last; and without include_reasoning no event comes of reasoning.
func (j *job) due(s *sequence, i int64) (t token, due bool) {
	t = token{sequence: s, first: s.told, index: i, last: i == s.tokens-1}
	reasoned := i + 1 - j.behavior.ReasoningTokens
	switch {
	case j.endpoint != wire.ChatCompletions && j.endpoint != wire.Completions:
		t.first = i
		return t, true
	case j.silent() && reasoned <= 0:
		s.told = i + 1
		t.first = s.told
		return t, t.last
	case i > 0 && !t.last && i+1-s.told < j.body.StreamInterval && reasoned != 0:
		return t, false
	}
	s.told = i + 1
	return t, true
}

// silent reports whether the client wants to see nothing of the reasoning.
func (j *job) silent() bool {
	return j.endpoint == wire.ChatCompletions && !*cmp.Or(j.body.IncludeReasoning, new(true))
}
