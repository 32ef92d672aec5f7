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
	Tally
}

// Tally is what the events of a stream have told up to now. Only its [Meter] changes it.
type Tally struct {
	// Usage is what the model server says was spent, each prompt once, and Evidence how well that
	// is known.
	Usage    wire.Usage
	Evidence Evidence
	// Output is all the generated text: contents, reasoning, refusals, names and arguments of tool
	// calls. Unmetered is what of it came after the last usage, and must be estimated.
	Output, Unmetered chars.Text
	// OutputEvents and UnmeteredEvents are how many events brought that text. Each has a token at
	// least.
	OutputEvents, UnmeteredEvents int64
	// Ran is set where output was told before the total, as it is where usage was asked for on
	// every chunk.
	Ran bool
	// Shrank is set where a number of tokens was less than one before it. The largest counts, for
	// what was spent does not become less; but the text that came with the smaller one may be in
	// none of them.
	Shrank bool

	outputBefore, unmeteredBefore int64 // bytes of text before the current event

	perPrompt int64 // choices of each prompt
	expected  int64 // choices of all prompts; those beyond are one
	finished  int64
	told      int64 // prompts whose input is known

	running    wire.Usage // told before the total, summed up
	inputTotal bool       // the total has told the input
	odd        bool       // something in the place of a number was none
}

// InputTold reports whether the input of the Usage is that of every prompt. Of several
// prompts, each tells its own with its first event.
func (t *Tally) InputTold() bool {
	return t.inputTotal || t.told > 0 && t.told >= t.expected/t.perPrompt
}

// IsOdd reports whether the model server has told something in the place of a number of tokens that
// is not written as one, or numbers that shrink.
func (t *Tally) IsOdd() bool { return t.odd || t.Shrank }

// AllFinished reports whether every choice of the request has finished.
func (t *Tally) AllFinished() bool { return t.finished > 0 && t.finished == t.expected }

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
	m.Tally = Tally{perPrompt: per, expected: expected}
	m.choices, m.prompts, m.changed = m.choices[:0], m.prompts[:0], m.changed[:0]
}

// Sink returns where the text of an event is counted. metered says that the event tells usage,
// which then covers the text.
func (m *Meter) Sink(metered bool) Sink {
	if metered {
		return Sink{All: &m.Output}
	}
	return Sink{All: &m.Output, pending: &m.Unmetered}
}

// Begin notes that an event has come.
func (m *Meter) Begin() {
	m.outputBefore, m.unmeteredBefore = m.Output.Bytes(), m.Unmetered.Bytes()
	m.changed = m.changed[:0]
}

// End notes that the event has been read.
func (m *Meter) End() {
	if m.Output.Bytes() > m.outputBefore {
		m.OutputEvents++
	}
	if m.Unmetered.Bytes() > m.unmeteredBefore {
		m.UnmeteredEvents++
	}
}

// heard notes that usage has been told: nothing is pending.
func (m *Meter) heard() {
	if m.Unmetered.Bytes() > 0 || m.UnmeteredEvents > 0 { // seldom, and a text is large
		m.Unmetered, m.UnmeteredEvents = chars.Text{}, 0
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

// SetRunning takes the usage of a chunk of the choice.
func (m *Meter) SetRunning(index int64, u Report) {
	m.odd = m.odd || u.OddUsage
	if u.HasUsage() {
		m.Evidence = max(m.Evidence, RunningUsage)
	}
	c, p := m.choice(index), m.prompt(index)
	if u.OutputTold {
		m.heard()
		m.Ran = m.Ran || m.Evidence == RunningUsage
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
	m.Usage.Output = max(m.Usage.Output, m.running.Output)
	m.Usage.Input = max(m.Usage.Input, m.running.Input)
	m.Usage.Cached = min(max(m.Usage.Cached, m.running.Cached), m.Usage.Input)
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
	m.odd = m.odd || u.OddUsage
	if u.HasUsage() {
		m.Evidence = max(m.Evidence, RunningUsage)
	}
	if u.OutputTold {
		m.heard()
		m.Shrank = m.Shrank || u.Output < m.Usage.Output
		m.Usage.Output = max(m.Usage.Output, u.Output)
		m.Evidence = FinalUsage
	}
	if u.InputTold {
		m.Shrank = m.Shrank || u.Input < m.Usage.Input
		m.Usage.Input = max(m.Usage.Input, u.Input)
		m.Usage.Cached = min(max(m.Usage.Cached, u.Cached), m.Usage.Input)
		m.inputTotal = true
	}
}

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
	if v := env.Values[event.MemberModel]; len(t.Model) > 0 && env.Inner(event.MemberModel) != nil {
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
