package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// chunk handles one chunk of chat completions or completions. It reports
// whether the client must not see it.
func (s *Stream) chunk(env *envelope, es *eventEdits) (hidden bool) {
	s.ident.note(env)
	report := readUsage(env.data, env.values[fieldUsage])
	w := chunkWalk{sink: s.meter.sink(report.output)}
	s.choices(env, &w)
	if report.tried() {
		if w.empty {
			s.meter.setFinal(report)
		} else {
			s.meter.setRunning(w.index, report)
		}
	}
	if w.empty && !s.options.IncludeUsage && s.isTotal(env) {
		return true
	}
	s.relayed.total = s.relayed.total || w.empty && report.known()
	s.cutUsage(env, es, report, w.empty)
	s.rename(env, es)
	return false
}

// isTotal reports whether a chunk without choices is there for the total: it has
// a usage, or comes after the end of all choices and says that it has none.
func (s *Stream) isTotal(env *envelope) bool {
	return env.has(fieldUsage) || env.values[fieldUsage].IsSet() && s.meter.allFinished()
}

// chunkWalk is what is learned from a chunk's choices.
type chunkWalk struct {
	sink  textSink
	index int64 // of the first choice
	empty bool  // there is a list, with nothing in it
}

// choices meters the text of each choice and notes what has finished.
func (s *Stream) choices(env *envelope, w *chunkWalk) {
	v := env.values[fieldChoices]
	if !v.IsSet() {
		return
	}
	c := jsonscan.Cursor{Text: env.data, At: v.Start}
	if !c.Enter('[') {
		return
	}
	w.empty = true
	for c.Element() {
		index, finished := readChoice(&c, w.sink)
		if w.empty {
			w.index, w.empty = index, false
		}
		s.meter.see(index, finished)
	}
}

// readChoice reads one choice of a chunk or of a whole answer.
func readChoice(c *jsonscan.Cursor, sink textSink) (index int64, finished bool) {
	if !c.Enter('{') {
		return 0, false
	}
	for {
		name, ok := c.Member()
		if !ok {
			return index, finished
		}
		switch string(name) {
		case "index":
			index, _ = c.Count()
		case "text":
			sink.addString(c)
		case "delta", "message":
			sink.addDelta(c)
		case "finish_reason":
			finished = c.Peek() == '"'
			c.Skip()
		default:
			c.Skip()
		}
	}
}

// cutUsage removes what the client did not ask for from a chunk that it sees.
func (s *Stream) cutUsage(env *envelope, es *eventEdits, report usageReport, total bool) {
	v := env.values[fieldUsage]
	if !v.IsSet() || s.options.ContinuousUsage || total && s.options.IncludeUsage {
		return
	}
	null := !env.has(fieldUsage)
	switch {
	case s.endpoint == Completions && null:
	case s.endpoint == Completions && report.nullDetails:
		s.usageNull = true
		es.replace(v, jsonscan.Null)
	case null && s.options.IncludeUsage: // OpenAI's own way to say "not yet"
	default:
		es.replace(env.usageMember(), nil)
	}
}
