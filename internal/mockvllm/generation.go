package mockvllm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// sequence is one run of tokens that is generated for a prompt.
type sequence struct {
	prompt int
	choice int // its index in the answer; -1 for those of best_of that are not returned
	tokens int64
	finish string // "stop" or "length"
}

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

// Bounds on what one request may ask for, which vLLM leaves to its memory.
const sequencesMax = 1024

// price counts the tokens of the prompts and checks that they fit.
func (j *job) price() error {
	inputs, err := j.countInputs()
	if err != nil {
		return err
	}
	if len(inputs) == 0 {
		return invalid("prompt", "Either prompt or prompt_embeds must be provided and non-empty.")
	}
	for i := range inputs {
		if j.behavior.InputTokens != nil {
			inputs[i] = *j.behavior.InputTokens
		}
	}
	j.inputs = inputs
	limit, _ := j.body.outputCap()
	for _, input := range inputs {
		if input+limit > j.model.contextLength {
			return contextExceeded(j.model.contextLength, input, limit)
		}
	}
	return nil
}

// plan decides what is generated: how many sequences, how long, ending how.
func (j *job) plan() error {
	if err := j.validate(); err != nil {
		return err
	}
	generated, returned := j.body.sequences()
	if generated*int64(len(j.inputs)) > sequencesMax {
		return invalid("n", fmt.Sprintf("at most %d sequences are generated for a request", sequencesMax))
	}
	j.returned = int(returned)
	j.sequences = make([]sequence, 0, generated*int64(len(j.inputs)))
	for prompt, input := range j.inputs {
		limit := j.limit(input)
		for i := range int(generated) {
			choice := -1
			if i < j.returned {
				choice = prompt*j.returned + i
			}
			s := sequence{prompt: prompt, choice: choice, finish: "stop"}
			if s.tokens = j.length(len(j.sequences), limit); s.tokens >= limit {
				s.tokens, s.finish = limit, "length"
			}
			j.sequences = append(j.sequences, s)
		}
	}
	return nil
}

// limit is the most tokens that a sequence may get.
func (j *job) limit(input int64) int64 {
	limit := j.model.contextLength - input
	if limited, ok := j.body.outputCap(); ok {
		limit = min(limit, limited)
	} else if j.endpoint == openai.Completions {
		limit = min(limit, completionTokens)
	}
	return limit
}

// length is how many tokens a sequence would get without a limit.
func (j *job) length(i int, limit int64) int64 {
	if j.body.IgnoreEOS {
		return limit
	}
	var n int64
	switch b := &j.behavior; {
	case i < len(b.ChoiceTokens):
		n = b.ChoiceTokens[i]
	case b.OutputTokens != nil:
		n = *b.OutputTokens
	default:
		n = j.server.options.OutputTokens.draw(j.random(i))
	}
	return max(n, j.body.MinTokens)
}

// random gives each sequence of each request id its own draws.
func (j *job) random(sequence int) *rand.Rand {
	var hash uint64 = 14695981039346656037 // FNV-1a
	for i := range len(j.id) {
		hash = (hash ^ uint64(j.id[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(j.server.options.Seed, mix(hash+uint64(sequence))))
}

// answerGeneration generates and sends the answer.
func (j *job) answerGeneration() error {
	d := j.dialect()
	if !j.body.Stream {
		return j.answerWhole(d)
	}
	out := j.newStream()
	defer out.close()
	if err := j.decode(d, out); err != nil {
		return err
	}
	return d.end(out)
}

// answerWhole generates, and sends the answer when it is complete. Its pace is
// that of a stream, and like a stream it stops when the client leaves.
func (j *job) answerWhole(d dialect) error {
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

// pacer waits for the time of each token. Times follow from the start, so that
// a late token does not delay the ones after it.
type pacer struct {
	job             *job
	start           time.Time
	first, interval time.Duration
	timer           *time.Timer
}

func newPacer(j *job) *pacer {
	return &pacer{
		job: j, start: time.Now(),
		first: millis(j.behavior.FirstTokenMillis), interval: millis(j.behavior.TokenMillis),
	}
}

func (p *pacer) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// wait waits for round i. It returns errGone or errClosed as soon as that is so.
func (p *pacer) wait(i int64) error {
	if err := p.job.interrupted(); err != nil {
		return err
	}
	delay := time.Until(p.start.Add(p.first + time.Duration(i)*p.interval))
	if p.first+p.interval == 0 || delay <= 0 {
		return nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(delay)
	} else {
		p.timer.Reset(delay)
	}
	return await(p.job, p.timer.C)
}
