package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/anthropic"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// StreamOptions is what a [Stream] must know of the request.
type StreamOptions struct {
	// IncludeUsage and ContinuousUsage are what the client asked for: the chunk of the total at
	// the end, and usage on every chunk. The second counts only with the first.
	IncludeUsage, ContinuousUsage bool
	// PublicModel is what the client is to see as the model's name; where empty, the name is left
	// alone.
	PublicModel string
	// Choices is how many choices each prompt has, Prompts how many prompts there are; 0 stands
	// for 1. They tell when a stream without its last event is complete, which choices share a
	// prompt, and how many are kept apart.
	Choices, Prompts int64
}

// Stream reads the events of one streamed answer: it meters what was spent and gives the client
// what the model server would have sent had the gateway not asked for more.
//
// Chat completions and completions are asked for usage on every chunk
// (stream_options.include_usage and continuous_usage_stats) whatever the client wants. What it did
// not ask for is cut out of the bytes; everything else stays as it is, but for the model's name.
// One thing cannot be undone: with usage asked for, newer servers put system_fingerprint on the
// last chunk, which is hidden, instead of on those with a finish_reason.
//
// Data that is not a JSON object, or has a member twice that matters here, passes untouched and
// counts as generated text.
//
// A Stream is for one goroutine. Its memory does not grow with the stream. The zero value is of
// no use; see [Stream.Reset].
type Stream struct {
	told    metering.Telling
	parser  sse.Parser
	pattern pattern
	state
}

// state is a Stream without its buffers.
type state struct {
	endpoint wire.Endpoint
	chunks   openai.Chunks // of chat completions and completions

	begun   bool // an event with data has come
	first   bool // and the current one is the first
	heard   bool // the current event has data
	failed  bool
	failure event.Error

	relayed relayed
	before  relayed // the same before the current event

	failedBefore bool // it had failed before the current event
	beyond       bool // something has come after the last event
}

// relayed is where a stream stands for the client, if it has seen every event.
type relayed struct {
	ended bool // by its last event
	done  bool // by the word [DONE], behind which nothing comes
	total bool // chunks: the one with the usage of the whole answer has come
	open  bool // what came last does not end an event

	message  anthropic.Message
	response openai.Response
}

// Reset makes the Stream as new, for another answer. It keeps its buffers.
func (s *Stream) Reset(e wire.Endpoint, o StreamOptions) {
	o.ContinuousUsage = o.ContinuousUsage && o.IncludeUsage
	s.state = state{endpoint: e, chunks: openai.Chunks{
		IsText:       e == wire.Completions,
		IncludeUsage: o.IncludeUsage, ContinuousUsage: o.ContinuousUsage,
	}}
	s.told.Model = s.told.Model[:0]
	if o.PublicModel != "" {
		s.told.Model = wire.AppendQuoted(s.told.Model, o.PublicModel)
	}
	s.told.Meter.Reset(o.Choices, o.Prompts)
	s.told.Ident.Reset()
	s.pattern.reset()
}

// Event meters one event, of which it needs Raw and Partial, and appends to dst what the client
// is to see of it, which may be nothing. It allocates nothing in the steady state.
//
// Of what comes after the event that ends the stream the client sees nothing, and nothing is
// metered, but for the [DONE] that vLLM sends behind message_stop: see [Stream.Beyond].
//
// A partial event is relayed only where its data is whole (a "[DONE]" without the blank line, say):
// a client must ignore it, and what the gateway may have to append would make a broken event of it.
func (s *Stream) Event(dst []byte, ev sse.Event) []byte {
	s.told.Meter.Begin()
	dst = s.event(dst, ev)
	s.told.Meter.End()
	return dst
}

func (s *Stream) event(dst []byte, ev sse.Event) []byte {
	s.before, s.failedBefore = s.relayed, s.failed
	if s.relayed.ended {
		return s.afterEnd(dst, &ev)
	}
	if out, ok := s.repeat(dst, &ev); ok {
		s.heard = true
		return out
	}
	s.parser.Parse(&ev)
	s.heard = len(ev.Data) > 0
	if !s.heard {
		return s.relay(dst, &ev, nil)
	}
	s.first, s.begun = !s.begun, true
	if isDone(ev.Data) {
		s.relayed.ended, s.relayed.done = true, true
		return s.relay(dst, &ev, nil)
	}
	var env event.Envelope
	if !env.Parse(ev.Data) {
		return s.opaque(dst, &ev)
	}
	if told, ok := env.Failure(ev.Name); ok {
		s.fail(told)
		return s.relay(dst, &ev, nil)
	}
	var es event.Edits
	if isHidden := s.read(&env, &es); isHidden {
		return dst
	}
	if s.endpoint != wire.Messages && s.endpoint != wire.Responses {
		s.pattern.learn(&ev, &env, &es)
	}
	return s.relay(dst, &ev, &es)
}

// read meters an event by the shape of the endpoint, and reports whether the client must not see
// it.
func (s *Stream) read(env *event.Envelope, es *event.Edits) (isHidden bool) {
	switch s.endpoint {
	case wire.Messages:
		s.relayed.ended = s.relayed.message.Read(env, es, &s.told)
	case wire.Responses:
		var failed *event.Error
		s.relayed.ended, failed = s.relayed.response.Read(env, es, &s.told)
		if failed != nil {
			s.fail(*failed)
		}
	default:
		c := s.chunks.Read(env, es, &s.told)
		s.relayed.total = s.relayed.total || c.IsTotal
		return c.IsHidden
	}
	return false
}

// afterEnd handles what comes after the event that has ended the stream.
func (s *Stream) afterEnd(dst []byte, ev *sse.Event) []byte {
	s.parser.Parse(ev)
	if len(ev.Data) == 0 && !s.relayed.done {
		return s.relay(dst, ev, nil)
	}
	if len(ev.Data) > 0 && isDone(ev.Data) && !s.relayed.done {
		s.relayed.done = true
		return s.relay(dst, ev, nil)
	}
	s.beyond = s.beyond || len(ev.Data) > 0
	return dst
}

// Withhold says that the client does not get the last event. [Stream.AppendFinish] and
// [Stream.AppendError] then go on from the event before. What it has spent stays in the Tally.
// Every event that follows must be withheld as well.
func (s *Stream) Withhold() {
	s.relayed, s.failed = s.before, s.failedBefore
	s.told.Meter.Withhold()
}

// Ended reports whether the event that ends the stream has come: [DONE], message_stop,
// response.completed and its kin. Nothing is to be expected after it.
func (s *Stream) Ended() bool { return s.relayed.ended }

// Heard reports whether the event that came last has data. A comment, which only keeps a
// connection alive, has none.
func (s *Stream) Heard() bool { return s.heard }

// Beyond reports whether an event has come after the one that ends the stream: its sender is not
// to be listened to any more.
func (s *Stream) Beyond() bool { return s.beyond }

// Failure returns the first error that the stream has reported.
func (s *Stream) Failure() (*event.Error, bool) {
	if !s.failed {
		return nil, false
	}
	return &s.failure, true
}

// fail notes the error that the current event tells.
func (s *Stream) fail(e event.Error) {
	if !s.failed {
		e.First = s.first
		s.failed, s.failure = true, e
	}
}

// opaque handles data that is not understood. An event that broke off is mostly the frame around a
// text, and says nothing of the text.
func (s *Stream) opaque(dst []byte, ev *sse.Event) []byte {
	if string(ev.Name) == "error" {
		s.fail(event.Error{Message: event.BoundedText(ev.Data)})
	}
	if ev.Partial {
		return dst
	}
	s.told.Meter.Sink(false).Add(ev.Data)
	return s.relay(dst, ev, nil)
}

// relay appends the event's bytes with the changes made.
func (s *Stream) relay(dst []byte, ev *sse.Event, es *event.Edits) []byte {
	s.relayed.open = ev.Partial
	if es == nil {
		return append(dst, ev.Raw...)
	}
	return es.Apply(dst, ev)
}

// Complete reports whether the answer has come to its end without an error: its last event has
// come ([DONE], message_stop, response.completed or response.incomplete), or all its choices have
// a finish_reason.
func (s *Stream) Complete() bool {
	return !s.failed && (s.relayed.ended || s.told.Meter.AllFinished())
}

// Tally returns what the stream has told of tokens and text, which each event changes.
func (s *Stream) Tally() *metering.Tally { return &s.told.Meter.Tally }

// isDone reports whether data is the word that ends OpenAI's streams.
func isDone(data []byte) bool {
	return data[0] == '[' && string(bytes.TrimSpace(data)) == "[DONE]"
}
