package metering

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Evidence says how well the usage of a stream is known.
type Evidence uint8

// The kinds of evidence, from the weakest.
const (
	NoEvidence   Evidence = iota // the model server has told nothing
	RunningUsage                 // what was spent up to some event
	FinalUsage                   // the total
)

// String returns "none", "running" or "final".
func (e Evidence) String() string {
	return [...]string{"none", "running", "final"}[e]
}

// choicesMax bounds how many choices of a stream are kept apart, whatever the request says.
// vLLM's own bound of n is 16,384.
const choicesMax = 1 << 16

// Meter adds up what the events of a stream tell. The zero value must be Reset.
//
// Running usage is cumulative per choice: the largest counts, and the sum over the choices is the
// output. Its input is that of the choice's prompt, which counts once. A final usage replaces all
// of it, but never by less: what was generated does not become less.
type Meter struct {
	choices []choiceMeter
	prompts []promptMeter
	changed []choiceChange // by the current event
	tally
}

// tally is a Meter without its lists.
type tally struct {
	Output  chars.Text // everything generated
	Pending chars.Text // since the last usage

	Events        int64 // with generated text
	PendingEvents int64 // since the last usage

	outputBefore, pendingBefore int64 // bytes of text before the current event

	perPrompt int64 // choices of each prompt
	expected  int64 // choices of all prompts; those beyond are one
	finished  int64
	told      int64 // prompts whose input is known

	sum        wire.Usage // what counts
	running    wire.Usage // told before the total, summed up
	evidence   Evidence
	Ran        bool // output was told before the total
	inputTotal bool // the total has told the input
	Odd        bool // something in the place of a number was none
	Shrank     bool // a number was less than one before it
}

type choiceMeter struct {
	output         int64 // told by the model server
	shown          int64 // of it, to the client
	seen, finished bool
}

// choiceChange is what a choice was before the current event.
type choiceChange struct {
	index  int64
	before choiceMeter
}

type promptMeter struct {
	input, cached int64
	told          bool
}

// Reset makes the meter as new; it keeps its lists.
func (m *Meter) Reset(choices, prompts int64) {
	per := min(max(choices, 1), choicesMax)
	expected := min(per*min(max(prompts, 1), choicesMax), choicesMax)
	m.tally = tally{perPrompt: per, expected: expected}
	m.choices, m.prompts, m.changed = m.choices[:0], m.prompts[:0], m.changed[:0]
}

// Sink returns where the text of an event is counted. metered says that the event tells usage,
// which then covers the text.
func (m *Meter) Sink(metered bool) Sink {
	if metered {
		return Sink{All: &m.Output}
	}
	return Sink{All: &m.Output, pending: &m.Pending}
}

// Begin notes that an event has come.
func (m *Meter) Begin() {
	m.outputBefore, m.pendingBefore = m.Output.Bytes(), m.Pending.Bytes()
	m.changed = m.changed[:0]
}

// End notes that the event has been read.
func (m *Meter) End() {
	if m.Output.Bytes() > m.outputBefore {
		m.Events++
	}
	if m.Pending.Bytes() > m.pendingBefore {
		m.PendingEvents++
	}
}

// settled notes that usage has been told: nothing is pending.
func (m *Meter) settled() {
	if m.Pending.Bytes() > 0 || m.PendingEvents > 0 { // seldom, and a text is large
		m.Pending, m.PendingEvents = chars.Text{}, 0
	}
}

// choice returns the counter of a choice.
func (m *Meter) choice(index int64) *choiceMeter {
	m.choices = grown(m.choices, min(index, m.expected))
	return &m.choices[min(index, m.expected)]
}

// prompt returns the counter of a choice's prompt.
func (m *Meter) prompt(index int64) *promptMeter {
	i := min(index, m.expected) / m.perPrompt
	m.prompts = grown(m.prompts, i)
	return &m.prompts[i]
}

// grown returns list with an element i. New elements are zero, even where the list was longer
// before.
func grown[T any](list []T, i int64) []T {
	if n := int(i) + 1 - len(list); n > 0 {
		list = append(list, make([]T, n)...)
	}
	return list
}

// See notes that a choice has begun, and perhaps finished.
func (m *Meter) See(index int64, finished bool) {
	c := m.choice(index)
	m.changed = append(m.changed, choiceChange{min(index, m.expected), *c})
	c.seen = true
	if finished && !c.finished && index < m.expected {
		c.finished = true
		m.finished++
	}
}

// Withhold takes back, for the choices of the current event, that the client has seen them finish
// and what they have told it. The metered tokens stay.
func (m *Meter) Withhold() {
	for i := len(m.changed) - 1; i >= 0; i-- {
		change := &m.changed[i]
		c := &m.choices[change.index]
		if c.finished && !change.before.finished {
			m.finished--
		}
		c.finished, c.shown = change.before.finished, change.before.shown
	}
	m.changed = m.changed[:0]
}

// AllFinished reports whether every choice of the request has finished.
func (m *Meter) AllFinished() bool { return m.finished > 0 && m.finished == m.expected }

// SetRunning takes the usage of a chunk of the choice.
func (m *Meter) SetRunning(index int64, u Report) {
	m.Odd = m.Odd || u.OddUsage
	if u.HasUsage() {
		m.evidence = max(m.evidence, RunningUsage)
	}
	c, p := m.choice(index), m.prompt(index)
	if u.OutputTold {
		m.settled()
		m.Ran = m.Ran || m.evidence == RunningUsage
		m.Shrank = m.Shrank || u.Output < c.output
		raise(&c.output, &m.running.Output, u.Output)
		c.shown = c.output
	}
	if u.InputTold {
		m.Shrank = m.Shrank || u.Input < p.input
		raise(&p.input, &m.running.Input, u.Input)
		raise(&p.cached, &m.running.Cached, u.Cached)
		if !p.told {
			p.told = true
			m.told++
		}
	}
	m.sum.Output = max(m.sum.Output, m.running.Output)
	m.sum.Input = max(m.sum.Input, m.running.Input)
	m.sum.Cached = min(max(m.sum.Cached, m.running.Cached), m.sum.Input)
}

// raise makes *item at least n, and adds to *sum what that adds to *item.
func raise(item, sum *int64, n int64) {
	if n > *item {
		*sum = min(*sum+n-*item, jsonscan.CountMax)
		*item = n
	}
}

// SetFinal takes the total. Of what it does not tell, what was told before stays.
func (m *Meter) SetFinal(u Report) {
	m.Odd = m.Odd || u.OddUsage
	if u.HasUsage() {
		m.evidence = max(m.evidence, RunningUsage)
	}
	if u.OutputTold {
		m.settled()
		m.Shrank = m.Shrank || u.Output < m.sum.Output
		m.sum.Output = max(m.sum.Output, u.Output)
		m.evidence = FinalUsage
	}
	if u.InputTold {
		m.Shrank = m.Shrank || u.Input < m.sum.Input
		m.sum.Input = max(m.sum.Input, u.Input)
		m.sum.Cached = min(max(m.sum.Cached, u.Cached), m.sum.Input)
		m.inputTotal = true
	}
}

// Usage returns what was spent so far, and how well that is known.
func (m *Meter) Usage() (wire.Usage, Evidence) { return m.sum, m.evidence }

// Unfinished yields each choice of the request that has begun and not finished, by its index, and
// the output that the client was told of it.
func (m *Meter) Unfinished(yield func(index, shown int64) bool) {
	for i := range m.choices {
		c := &m.choices[i]
		if c.seen && !c.finished && int64(i) < m.expected && !yield(int64(i), c.shown) {
			return
		}
	}
}

// PromptInput returns the input of the prompt that a choice belongs to.
func (m *Meter) PromptInput(index int64) int64 { return m.prompt(index).input }

// InputTold reports whether the input of every prompt is known.
func (m *Meter) InputTold() bool {
	return m.inputTotal || m.told > 0 && m.told >= m.expected/m.perPrompt
}

// Telling is what the events of one stream have told, and what its client is to see of that.
type Telling struct {
	Meter Meter
	Ident event.Ident
	// model is the public name of the model as JSON; empty: the server's own stays.
	Model []byte
}

// Rename replaces the model's name in an event by the public one. A model that is not a string
// stays.
func (t *Telling) Rename(env *event.Envelope, es *event.Edits) {
	if v := env.Values[event.FieldModel]; len(t.Model) > 0 && env.Inner(event.FieldModel) != nil {
		es.Replace(v, t.Model)
	}
}

// PublicModel returns the model's name as the client sees it, as JSON.
func (t *Telling) PublicModel() []byte {
	if len(t.Model) > 0 && len(t.Ident.Model) > 0 {
		return t.Model
	}
	return event.OrNull(t.Ident.Model)
}
