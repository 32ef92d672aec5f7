package mockvllm

import (
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// record is the entry of a request while it runs. Its methods are called by
// the request's handler; the ledger's lock guards it. The id, attempt, model and user
// never change.
type record struct {
	ledger *Ledger
	entry  Entry
	// The largest usage that a client was told of each prompt and of each choice.
	toldInput, toldOutput map[int]int64
}

// snapshots returns copies of the entries as they stand.
func snapshots(records []*record) []Entry {
	entries := make([]Entry, len(records))
	for i, r := range records {
		entries[i] = r.entry
		entries[i].Choices = slices.Clone(r.entry.Choices)
		entries[i].Events = slices.Clone(r.entry.Events)
	}
	return entries
}

func (r *record) update(f func(e *Entry)) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	f(&r.entry)
}

// accept counts the request in flight.
func (r *record) accept() {
	r.update(func(e *Entry) {
		f := r.ledger.flights[e.Model]
		f.now++
		f.max = max(f.max, f.now)
		r.ledger.flights[e.Model] = f
		e.InFlight = f.now
	})
}

// prefill charges the input: from here on the engine works on it.
func (r *record) prefill(input, cached int64, choices int) {
	r.update(func(e *Entry) {
		e.Input, e.Cached = input, cached
		if choices > 0 {
			e.Choices = make([]Choice, choices)
		}
	})
}

// generate charges n tokens of a choice.
func (r *record) generate(choice int, n int64, now time.Time) {
	if n == 0 {
		return
	}
	r.update(func(e *Entry) {
		c := &e.Choices[choice]
		if c.Output == 0 {
			c.First = now
		}
		if e.Output == 0 {
			e.First = now
		}
		c.Output += n
		c.Last = now
		e.Output += n
		e.Last = now
	})
}

// tell notes the usage told of one choice and its prompt.
func (r *record) tell(choice, prompt int, u wire.Usage) {
	r.update(func(e *Entry) {
		if r.toldInput == nil {
			r.toldInput, r.toldOutput = make(map[int]int64), make(map[int]int64)
		}
		e.Told.Any = true
		e.Told.Usage.Input += raise(r.toldInput, prompt, u.Input)
		e.Told.Usage.Output += raise(r.toldOutput, choice, u.Output)
	})
}

// raise makes a value n if that is larger, and returns by how much it grew.
func raise(values map[int]int64, key int, n int64) int64 {
	before := values[key]
	values[key] = max(before, n)
	return values[key] - before
}

// tellFinal notes the usage told of the whole answer.
func (r *record) tellFinal(u wire.Usage) {
	r.update(func(e *Entry) { e.Told = Told{Any: true, Final: true, Usage: u} })
}

func (r *record) status(code int) { r.update(func(e *Entry) { e.Status = code }) }

// sent and acked time an event of a stream.
func (r *record) sent(now time.Time) {
	r.update(func(e *Entry) { e.Events = append(e.Events, Event{Sent: now}) })
}

func (r *record) acked(now time.Time) {
	r.update(func(e *Entry) {
		if n := len(e.Events); n > 0 {
			e.Events[n-1].Acked = now
		}
	})
}

// end closes the entry; only the first call counts.
func (r *record) end(outcome Outcome, now time.Time) {
	r.update(func(e *Entry) {
		if e.Outcome != Running {
			return
		}
		e.Outcome, e.End = outcome, now
		if outcome == Cancelled {
			e.Cancel = now
		}
		r.ledger.close(r)
	})
}
