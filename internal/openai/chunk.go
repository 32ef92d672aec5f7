package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// chunkStream reads the chunks of a stream of chat completions or completions, and ends it.
// It has what the client asked for. The zero value is for a chat whose client has not asked
// for usage.
type chunkStream struct {
	// isText is set for completions, whose choices have a text in the place of a message.
	isText bool
	// includeUsage and continuousUsage are what the client asked for: the usage of the whole
	// answer at its end, and usage on every chunk. The second counts only with the first.
	includeUsage, continuousUsage bool

	usageNull bool // chunks without usage have "usage":null
}

// chunk is what becomes of a chunk, and what it is.
type chunk struct {
	isHidden bool // the client must not see it
	isTotal  bool // it has the usage of the whole answer
}

// read meters a chunk, and notes in es what the client is not to see of it.
func (s *chunkStream) read(env *envelope, es *eventEdits, t *telling) chunk {
	t.ident.note(env)
	report := readUsage(env.data, env.values[fieldUsage])
	w := chunkWalk{sink: t.meter.sink(report.output)}
	w.choices(env, &t.meter)
	if report.tried() {
		if w.isEmpty {
			t.meter.setFinal(report)
		} else {
			t.meter.setRunning(w.index, report)
		}
	}
	if w.isEmpty && !s.includeUsage && isTotal(env, &t.meter) {
		return chunk{isHidden: true}
	}
	s.cutUsage(env, es, report, w.isEmpty)
	t.rename(env, es)
	return chunk{isTotal: w.isEmpty && report.known()}
}

// isTotal reports whether a chunk without choices is there for the total: it has
// a usage, or comes after the end of all choices and says that it has none.
func isTotal(env *envelope, m *streamMeter) bool {
	return env.has(fieldUsage) || env.values[fieldUsage].IsSet() && m.allFinished()
}

// chunkWalk is what is learned from a chunk's choices.
type chunkWalk struct {
	sink    textSink
	index   int64 // of the first choice
	isEmpty bool  // there is a list, with nothing in it
}

// choices meters the text of each choice and notes what has finished.
func (w *chunkWalk) choices(env *envelope, m *streamMeter) {
	v := env.values[fieldChoices]
	if !v.IsSet() {
		return
	}
	c := jsonscan.Cursor{Text: env.data, At: v.Start}
	if !c.Enter('[') {
		return
	}
	w.isEmpty = true
	for c.Element() {
		index, finished := readChoice(&c, w.sink)
		if w.isEmpty {
			w.index, w.isEmpty = index, false
		}
		m.see(index, finished)
	}
}

// cutUsage removes what the client did not ask for from a chunk that it sees.
func (s *chunkStream) cutUsage(env *envelope, es *eventEdits, report usageReport, total bool) {
	v := env.values[fieldUsage]
	if !v.IsSet() || s.continuousUsage || total && s.includeUsage {
		return
	}
	null := !env.has(fieldUsage)
	switch {
	case s.isText && null:
	case s.isText && report.nullDetails:
		s.usageNull = true
		es.replace(v, jsonscan.Null)
	case null && s.includeUsage: // OpenAI's own way to say "not yet"
	default:
		es.replace(env.usageMember(), nil)
	}
}
