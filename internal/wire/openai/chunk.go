package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Chunks reads the chunks of a stream of chat completions or completions, and ends it.
// The zero value is for a chat whose client has not asked for usage. It is for one goroutine.
type Chunks struct {
	// IsText is set for completions, whose choices have a text in the place of a message.
	IsText bool
	// IncludeUsage and ContinuousUsage are what the client asked for: the usage of the whole
	// answer at its end, and usage on every chunk. The second counts only with the first.
	IncludeUsage, ContinuousUsage bool

	usageNull bool // chunks without usage have "usage":null
}

// Chunk is what becomes of a chunk, and what it is.
type Chunk struct {
	IsHidden bool // the client must not see it
	IsTotal  bool // it has the usage of the whole answer
}

// Read meters a chunk, and notes in es what the client is not to see of it.
func (s *Chunks) Read(env *event.Envelope, es *event.Edits, t *metering.Telling) Chunk {
	t.Ident.Note(env)
	report := metering.ReadUsage(env.Data, env.Values[event.FieldUsage])
	w := chunkWalk{sink: t.Meter.Sink(report.HasOutput)}
	w.choices(env, &t.Meter)
	if report.Tried() {
		if w.isEmpty {
			t.Meter.SetFinal(report)
		} else {
			t.Meter.SetRunning(w.index, report)
		}
	}
	if w.isEmpty && !s.IncludeUsage && isTotal(env, &t.Meter) {
		return Chunk{IsHidden: true}
	}
	s.cutUsage(env, es, report, w.isEmpty)
	t.Rename(env, es)
	return Chunk{IsTotal: w.isEmpty && report.Known()}
}

// isTotal reports whether a chunk without choices is there for the total: it has
// a usage, or comes after the end of all choices and says that it has none.
func isTotal(env *event.Envelope, m *metering.Meter) bool {
	return env.Has(event.FieldUsage) || env.Values[event.FieldUsage].IsSet() && m.AllFinished()
}

// chunkWalk is what is learned from a chunk's choices.
type chunkWalk struct {
	sink    metering.Sink
	index   int64 // of the first choice
	isEmpty bool  // there is a list, with nothing in it
}

// choices meters the text of each choice and notes what has finished.
func (w *chunkWalk) choices(env *event.Envelope, m *metering.Meter) {
	v := env.Values[event.FieldChoices]
	if !v.IsSet() {
		return
	}
	c := jsonscan.Cursor{Text: env.Data, At: v.Start}
	if !c.Enter('[') {
		return
	}
	w.isEmpty = true
	for c.Element() {
		index, finished := ReadChoice(&c, w.sink)
		if w.isEmpty {
			w.index, w.isEmpty = index, false
		}
		m.See(index, finished)
	}
}

// cutUsage removes what the client did not ask for from a chunk that it sees.
func (s *Chunks) cutUsage(
	env *event.Envelope, es *event.Edits, report metering.Report, isTotal bool,
) {
	v := env.Values[event.FieldUsage]
	if !v.IsSet() || s.ContinuousUsage || isTotal && s.IncludeUsage {
		return
	}
	null := !env.Has(event.FieldUsage)
	switch {
	case s.IsText && null:
	case s.IsText && report.NullDetails:
		s.usageNull = true
		es.Replace(v, jsonscan.Null)
	case null && s.IncludeUsage: // OpenAI's own way to say "not yet"
	default:
		es.Replace(env.UsageMember(), nil)
	}
}
