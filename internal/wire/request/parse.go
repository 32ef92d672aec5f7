package request

import (
	"sync"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// completionCap is the output cap of a completion that gives none: the default of
// CompletionRequest.max_tokens in vLLM.
const completionCap = 16

// parse is the state of one [Parse]. It reads a body before it is known to be valid: its results
// count only if isSound or validate accept the body.
type parse struct {
	seen    jsonscan.Names
	members waitingList // of the body
	inner   waitingList // of its stream_options
	parsed
}

// parsed is what of a parse is made anew for each body.
type parsed struct {
	jsonscan.Cursor
	options  Options
	endpoint wire.Endpoint
	err      *failure.Error // the first one

	r           Request
	in          *Content  // what is read counts there: in that of r, in common, or in a side
	common      Content   // what each of them has
	left, right inputSide // of pairs to score
	said        said      // of what may be said but once
	tooling     tooling
	minTokens   int64
	n, bestOf   int64
	held        heldInside
	free        int // bytes of members that are passed without being priced
}

// parses keeps parse values, which are too large for the stack of every request.
var parses = sync.Pool{New: func() any { return new(parse) }}

// reset makes p as new, keeping nothing of the body.
func (p *parse) reset() {
	p.parsed = parsed{}
	clear(p.members)
	clear(p.inner)
	p.members, p.inner = p.members[:0], p.inner[:0]
	p.seen.Reset()
}

// isSound reports, after request, whether validate would surely accept the body. It says no to
// every body that is refused, and to the few for which Names are unsure.
func (p *parse) isSound() bool {
	return p.End() && !p.Lone && !p.seen.Unsure && utf8.Valid(p.Text)
}

// reject keeps the first error. Reading goes on to the end of the body: that is cheap, and no other
// method has to handle errors.
func (p *parse) reject(err *failure.Error) {
	if p.err == nil {
		p.err = err
	}
}

// str reads the string ahead, decoded.
func (p *parse) str() string {
	_, inner := p.Decoded()
	return string(inner)
}

// read reads the body, and reports why the request is refused.
func (p *parse) read() *failure.Error {
	p.request()
	if !p.isSound() {
		if err := validate(p.Text); err != nil {
			return err
		}
		if !p.End() {
			return failure.InvalidRequest("",
				"the body is nested more than %d deep", jsonscan.NestingMax)
		}
	}
	if p.err == nil {
		p.finish()
	}
	return p.err
}

// request reads the whole body. After the first mistake it only passes over what follows: a body
// of nothing but mistakes must not cost more than a good one.
func (p *parse) request() {
	p.r.Endpoint, p.in = p.endpoint, &p.r.Content
	if !p.Enter('{') {
		p.Fail()
		return
	}
	p.r.at.inside = p.At
	p.r.at.empty = p.Peek() == '}'
	table, before := member.Tables[p.endpoint], 0
	for name, ok := p.Member(); ok; name, ok = p.Member() {
		if p.err != nil {
			p.Skip()
			continue
		}
		start := p.Name.Start
		p.members.begin(start)
		m := table.Row(name).Reader
		p.r.Twofold = p.r.Twofold ||
			m == member.ReadUnknown && (string(name) == "messages" || string(name) == "prompt")
		if m.Waits() || m.Decides() && p.IsNull() ||
			m == member.ReadEncoding && !encodesUsage(&p.Cursor) {
			p.wait(&p.members, waiting{Reader: m, start: start, before: before}, name)
		} else {
			p.param(m, name)
		}
		before = p.At
	}
}

// param reads the value of a member.
func (p *parse) param(m member.Reader, name []byte) {
	switch m {
	case member.ReadPassed, member.ReadEncoding:
		p.passed()
	case member.ReadEcho:
		kind := p.Peek()
		p.r.Echo = kind != 'f' && kind != 'n'
		p.passed()
	case member.ReadNumbers:
		p.numbers()
	case member.ReadPriced:
		p.optional()
	case member.ReadModel:
		p.model()
	case member.ReadStream:
		p.r.Stream = p.boolean("stream").isTrue
	case member.ReadStreamOptions:
		p.streamOptions()
	case member.ReadOutputCap:
		p.outputCap(string(name))
	case member.ReadMinTokens:
		p.minTokens, _ = p.integer("min_tokens", 0)
	case member.ReadIgnoreEOS:
		p.r.IgnoreEOS = p.boolean("ignore_eos").isTrue
	case member.ReadN:
		p.n = p.sequences("n")
	case member.ReadBestOf:
		p.bestOf = p.sequences("best_of")
	case member.ReadUseBeamSearch:
		p.boolean("use_beam_search") // its width is n
	case member.ReadTruncatePromptTokens:
		p.r.TruncateInput, _ = p.integer("truncate_prompt_tokens", -1)
	case member.ReadTruncation:
		p.truncation()
	default:
		p.input(m)
	}
}

// model reads the model's name.
func (p *parse) model() {
	switch p.Peek() {
	case '"':
		start := p.At
		p.r.Model = p.str()
		p.r.at.model = jsonscan.Extent{Start: start, End: p.At}
	case 'n':
		p.r.at.model = p.Value()
	default:
		p.reject(wrongValue("model", "a string", p.Raw()))
	}
}

// outputCap reads one of the members that bound the output.
func (p *parse) outputCap(name string) {
	least := int64(1)
	if p.endpoint == wire.Completions {
		least = 0 // with echo it returns the prompt
	}
	p.Peek()
	start := p.At
	v, ok := p.integer(name, least)
	// There are more caps only in a body that validate refuses.
	if ok && p.r.at.capsCount < len(p.r.at.caps) {
		p.r.at.caps[p.r.at.capsCount] = capMember{jsonscan.Extent{Start: start, End: p.At}, v}
		p.r.at.capsCount++
		p.r.at.hasMaxTokens = p.r.at.hasMaxTokens || name == "max_tokens"
	}
}

// sequences reads n or best_of.
func (p *parse) sequences(name string) int64 {
	v, _ := p.integer(name, 1)
	if v > SequencesMax {
		p.reject(failure.InvalidRequest(name, "%s must be at most %d here, is %d",
			name, SequencesMax, v))
	}
	return v
}

// streamOptions reads the member of that name.
func (p *parse) streamOptions() {
	o := &p.r.at.options
	kind := p.Peek()
	o.Start = p.At
	if kind == '{' {
		p.streamOption()
	} else {
		p.reject(wrongValue("stream_options", "an object", p.Raw()))
	}
	o.End = p.At
}

// streamOption reads the members of stream_options. An unknown one could keep events, or the usage
// on them, from coming.
func (p *parse) streamOption() {
	o, before := &p.r.at.options, 0
	p.Enter('{')
	o.isEmpty = p.Peek() == '}'
	for name, ok := p.Member(); ok; name, ok = p.Member() {
		start := p.Name.Start
		p.inner.begin(start)
		switch string(name) {
		case "include_usage":
			o.usage = p.boolean("stream_options.include_usage")
		case "continuous_usage_stats":
			o.continuous = p.boolean("stream_options.continuous_usage_stats")
		case "include_obfuscation":
			p.Skip() // padding, which is on no server that can be asked for usage
		default:
			path := append([]byte("stream_options."), name...)
			p.wait(&p.inner, waiting{start: start, before: before}, path)
		}
		before = p.At
	}
	o.usageByDefault = !o.usage.IsSet()
}

// truncation reads the Responses member of that name.
func (p *parse) truncation() {
	if p.Peek() != '"' {
		p.Skip()
	} else if p.str() == "auto" {
		p.r.TruncateInput = -1
	}
}

// finish derives what depends on several members, and checks what must be there.
func (p *parse) finish() {
	p.finishModel()
	p.finishWaiting()
	p.finishOutput()
	p.finishInput()
	o := &p.r.at.options
	p.r.IncludeUsage = p.r.Stream && (o.usage.isTrue || o.usageByDefault)
	p.r.ContinuousUsage = p.r.IncludeUsage && o.continuous.isTrue
}

// finishModel lets the path's model win.
func (p *parse) finishModel() {
	path, body := p.options.PathModel, p.r.Model
	if path == "" {
		return
	}
	if body != "" && body != path {
		p.reject(failure.InvalidRequest("model",
			"the path names the model %s and the body %s: leave out the one in the "+
				"body", failure.Quoted(path), failure.Quoted(body)))
	}
	p.r.Model = path
}

// finishOutput settles how much may be generated.
func (p *parse) finishOutput() {
	r := &p.r
	r.Choices = max(p.n, 1)
	r.Sequences = max(r.Choices, p.bestOf)
	if smallest, ok := r.smallestCap(); ok {
		r.OutputCap = max(smallest, 1) // a completion of 0 tokens is one of 1 that is not shown
	} else if p.endpoint == wire.Completions {
		r.OutputCap = completionCap
	} else if p.endpoint == wire.Messages {
		p.reject(failure.InvalidRequest("max_tokens",
			"max_tokens is missing: give the largest number of tokens to generate"))
	}
	r.MinOutput = p.minTokens
	if r.OutputCap > 0 && (r.IgnoreEOS || r.MinOutput > r.OutputCap) {
		r.MinOutput = r.OutputCap
	}
}

// smallestCap returns the smallest of the output caps in the body, and whether there is any.
func (r *Request) smallestCap() (int64, bool) {
	smallest := int64(-1)
	for _, c := range r.at.caps[:r.at.capsCount] {
		if smallest < 0 || c.value < smallest {
			smallest = c.value
		}
	}
	return smallest, smallest >= 0
}

// encodesUsage reports whether the value ahead, of the member encoding_format, leaves the answer
// JSON with a usage, as those do that are known. It does not pass over the value.
func encodesUsage(c *jsonscan.Cursor) bool {
	if b := c.Peek(); b != '"' {
		return b == 'n' // as if it had not been there
	}
	ahead := *c
	inner, _ := ahead.Str()
	if ahead.Bad {
		return true // it is no JSON, which is told when it is read
	}
	switch string(inner) {
	case "float", "base64", "binary", "ubinary", "int8", "uint8":
		return true
	}
	return false
}
