package mockvllm

import (
	"slices"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// record is the entry of a request while it runs. Its methods are called by
// the request's handler; snapshot by anybody. The id, model and user never
// change.
type record struct {
	ledger *Ledger

	mu    sync.Mutex
	entry Entry
	told  []toldChoice
	ended bool
}

// toldChoice is the usage that a client was told of one choice.
type toldChoice struct {
	any           bool
	prompt        int
	input, output int64
}

func (r *record) snapshot() Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entry
	e.Choices = slices.Clone(e.Choices)
	e.Events = slices.Clone(e.Events)
	return e
}

func snapshots(records []*record) []Entry {
	entries := make([]Entry, len(records))
	for i, r := range records {
		entries[i] = r.snapshot()
	}
	return entries
}

func (r *record) attempt() int { return r.entry.Attempt }

// accept counts the request in flight.
func (r *record) accept() {
	n := r.ledger.accept(r.entry.Model)
	r.mu.Lock()
	r.entry.InFlight = n
	r.mu.Unlock()
}

// prefill charges the input: from here on the engine works on it.
func (r *record) prefill(input, cached int64, choices int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.Input, r.entry.Cached = input, cached
	if choices > 0 {
		r.entry.Choices = make([]Choice, choices)
	}
}

// generate charges n tokens of a choice.
func (r *record) generate(choice int, n int64, now time.Time) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.entry.Choices[choice]
	if c.Output == 0 {
		c.First = now
	}
	if r.entry.Output == 0 {
		r.entry.First = now
	}
	c.Output += n
	c.Last = now
	r.entry.Output += n
	r.entry.Last = now
}

// tell notes the usage told of one choice and its prompt.
func (r *record) tell(choice, prompt int, u openai.Usage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil {
		r.told = make([]toldChoice, len(r.entry.Choices))
	}
	c := &r.told[choice]
	before := *c
	*c = toldChoice{true, prompt, max(c.input, u.Input), max(c.output, u.Output)}
	told := &r.entry.Told
	told.Any = true
	told.Usage.Output += c.output - before.output
	if !r.toldPrompt(choice, prompt) {
		told.Usage.Input += c.input - before.input
	}
}

// toldPrompt reports whether another choice already told the prompt's input.
func (r *record) toldPrompt(choice, prompt int) bool {
	for i, c := range r.told {
		if i != choice && c.any && c.prompt == prompt {
			return true
		}
	}
	return false
}

// tellFinal notes the usage told of the whole answer.
func (r *record) tellFinal(u openai.Usage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.Told = Told{Any: true, Final: true, Usage: u}
}

func (r *record) status(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.Status = code
}

// sent and acked time an event of a stream.
func (r *record) sent(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.Events = append(r.entry.Events, Event{Sent: now})
}

func (r *record) acked(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.entry.Events); n > 0 {
		r.entry.Events[n-1].Acked = now
	}
}

// end closes the entry; only the first call counts.
func (r *record) end(outcome Outcome, now time.Time) {
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return
	}
	r.ended = true
	r.entry.Outcome = outcome
	r.entry.End = now
	if outcome == Cancelled {
		r.entry.Cancel = now
	}
	e := r.entry
	r.mu.Unlock()
	r.ledger.close(r, &e)
}
