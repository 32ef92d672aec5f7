package mockvllm

import "errors"

// token is one generated token on its way into a stream.
type token struct {
	sequence *sequence
	index    int64 // within its sequence; -1 if the sequence is empty
	last     bool
}

// dialect writes the answers of one endpoint.
type dialect interface {
	// open sends the events before the first token, token those of one token,
	// end those after the last one.
	open(out *eventStream) error
	token(out *eventStream, t token) error
	end(out *eventStream) error
	// answer appends the JSON answer.
	answer(dst []byte) []byte
}

// answerGeneration generates and sends the answer.
func (j *job) answerGeneration(turn chan struct{}) error {
	d := j.dialect()
	if !j.body.Stream {
		return j.answerWhole(d, turn)
	}
	out := j.newStream()
	defer out.close()
	if err := j.prefill(turn); err != nil {
		return err
	}
	if err := j.decode(d, out); err != nil {
		return err
	}
	return d.end(out)
}

// answerWhole generates, and sends the answer when it is complete. Its pace is
// that of a stream, and like a stream it stops when the client leaves.
func (j *job) answerWhole(d dialect, turn chan struct{}) error {
	if err := j.prefill(turn); err != nil {
		return err
	}
	if err := j.decode(d, nil); err != nil && !errors.Is(err, errCut) {
		return err
	}
	return j.writeAnswer(d.answer(make([]byte, 0, 1024)))
}

// decode generates round by round, one token of every unfinished sequence in
// each, as an engine's batch does. out is nil for a JSON answer.
func (j *job) decode(d dialect, out *eventStream) error {
	if out == nil && !j.behavior.paced() && j.behavior.Fail == NoFault {
		return j.decodeAtOnce()
	}
	p := newPacer(j)
	defer p.stop()
	if err := p.wait(0); err != nil {
		return err
	}
	if err := j.begin(d, out); err != nil {
		return err
	}
	rounds := j.longest()
	for i := range rounds {
		if i > 0 {
			if err := p.wait(i); err != nil {
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
	if err := d.open(out); err != nil {
		return err
	}
	for i := range j.sequences {
		if s := &j.sequences[i]; s.tokens == 0 && s.choice >= 0 {
			if err := d.token(out, token{sequence: s, index: -1, last: true}); err != nil {
				return err
			}
		}
	}
	return nil
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
		j.record.generate(k, 1, j.server.options.Clock())
		j.model.generationTokens.Add(1)
		j.sent++
		if out == nil || s.choice < 0 {
			continue
		}
		if err := d.token(out, token{sequence: s, index: i, last: i == s.tokens-1}); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) decodeAtOnce() error {
	now := j.server.options.Clock()
	for k := range j.sequences {
		n := j.sequences[k].tokens
		j.record.generate(k, n, now)
		j.model.generationTokens.Add(n)
	}
	return nil
}

func (j *job) longest() int64 {
	var n int64
	for i := range j.sequences {
		n = max(n, j.sequences[i].tokens)
	}
	return n
}

// generated returns the tokens of all sequences.
func (j *job) generated() int64 {
	var n int64
	for i := range j.sequences {
		n += j.sequences[i].tokens
	}
	return n
}
