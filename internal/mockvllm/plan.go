package mockvllm

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// sequence is one run of tokens that is generated for a prompt.
type sequence struct {
	prompt int
	choice int // its index in the answer; -1 for those of best_of that are not returned
	tokens int64
	told   int64  // of them, those that an event had
	finish string // "stop" or "length"
}

// sequencesMax bounds what one request may ask for; vLLM leaves that to its
// memory.
const sequencesMax = 1024

// price counts the tokens of the prompts and checks that they fit.
func (j *job) price() error {
	var err error
	if j.inputs, err = j.countInputs(); err != nil {
		return err
	}
	if len(j.inputs) == 0 {
		return invalid("prompt", "Either prompt or prompt_embeds must be provided and non-empty.")
	}
	limit, _ := j.body.outputCap()
	for i := range j.inputs {
		if j.behavior.InputTokens != nil {
			j.inputs[i] = *j.behavior.InputTokens
		}
		if limit > j.model.ContextLength-j.inputs[i] {
			return contextExceeded(j.model.ContextLength, j.inputs[i], limit)
		}
		j.input += j.inputs[i]
	}
	return nil
}

// plan decides what is generated: how many sequences, how long, ending how.
func (j *job) plan() error {
	if err := j.validate(); err != nil {
		return err
	}
	if err := j.structure(); err != nil {
		return err
	}
	generated, returned := j.body.sequences()
	if generated*int64(len(j.inputs)) > sequencesMax {
		return invalid("n", "at most %d sequences are generated for a request", sequencesMax)
	}
	j.sequences = make([]sequence, 0, generated*int64(len(j.inputs)))
	for prompt, input := range j.inputs {
		limit := j.limit(input)
		for i := range int(generated) {
			choice := -1
			if i < int(returned) {
				choice = prompt*int(returned) + i
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
	limit := j.model.ContextLength - input
	otherwise := j.model.AbsentCap
	if j.body.MaxTokens.isNull {
		otherwise = j.model.NullCap
	}
	if limited, ok := j.body.outputCap(); ok {
		return min(limit, limited)
	}
	if j.endpoint == wire.Completions && otherwise == SixteenTokens {
		return min(limit, completionTokens)
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
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(j.id))
	// #nosec G115 G404 -- wraps around; random as a seed says, which is what it is for
	return rand.New(rand.NewPCG(j.server.options.Seed, mix(hash.Sum64()+uint64(sequence))))
}
