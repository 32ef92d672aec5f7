package openai

import (
	"sync"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// completionCap is the output cap of a completion that gives none: the default
// of CompletionRequest.max_tokens in vLLM.
const completionCap = 16

// parse is the state of one [ParseRequest]. It reads a body of which nobody knows yet
// whether it is valid; what it has read counts only where isSound or validate say so.
type parse struct {
	seen    openNames
	members waitingList // of the body
	inner   waitingList // of its stream_options
	parsed
}

// parsed is the part of a parse that is made anew for each body.
type parsed struct {
	jsonCursor
	options  ParseOptions
	endpoint Endpoint
	err      *failure.Error // the first one

	r           Request
	in          content   // what all prompts consist of
	common      content   // what each of them has
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

// release gives p back, keeping nothing of the body.
func (p *parse) release() {
	p.parsed = parsed{}
	clear(p.members)
	clear(p.inner)
	p.members, p.inner = p.members[:0], p.inner[:0]
	p.seen.reset()
	parses.Put(p)
}

// isSound reports, after request, whether the body is surely one that validate
// accepts. It says no to all that is refused, and to what few bodies have: see openNames.
func (p *parse) isSound() bool {
	return p.end() && !p.lone && !p.seen.unsure && utf8.Valid(p.b)
}

// reject keeps the first error. Reading goes on to the end of the body: that is
// cheap, and every part stays free of error handling.
func (p *parse) reject(err *failure.Error) {
	if p.err == nil {
		p.err = err
	}
}

// str reads the string ahead, decoded.
func (p *parse) str() string {
	_, inner := p.decoded()
	return string(inner)
}

// raw passes over the value ahead and returns its JSON text; null if there is no value.
func (c *jsonCursor) raw() []byte {
	if v := c.value(); !c.bad {
		return v.of(c.b)
	}
	return jsonNull
}

// read reads the body, and reports why the request is refused.
func (p *parse) read() *failure.Error {
	p.request()
	if !p.isSound() {
		if err := validate(p.b); err != nil {
			return err
		}
		if !p.end() {
			return failure.InvalidRequest("", "the body is nested more than %d deep", nestingMax)
		}
	}
	if p.err == nil {
		p.finish()
	}
	return p.err
}

// request reads the whole body. After the first mistake it only passes over what
// follows: a body of nothing but mistakes must not cost more than a good one.
func (p *parse) request() {
	p.r.Endpoint = p.endpoint
	if !p.enter('{') {
		p.fail()
		return
	}
	p.r.at.inside = p.i
	p.r.at.empty = p.peek() == '}'
	table, before := &endpointMembers[p.endpoint], 0
	for name, ok := p.member(); ok; name, ok = p.member() {
		if p.err != nil {
			p.skip()
			continue
		}
		start := p.name.start
		p.members.begin(start)
		m := table.paramOf(name)
		p.r.Twofold = p.r.Twofold || m == paramUnknown && (string(name) == "messages" || string(name) == "prompt")
		if m.waits() || m.decides() && p.isNull() || m == paramEncoding && !p.encodesUsage() {
			p.wait(&p.members, waiting{param: m, start: start, before: before}, name)
		} else {
			p.param(m, name)
		}
		before = p.i
	}
}

// param reads the value of a member.
func (p *parse) param(m param, name []byte) {
	switch m {
	case paramPassed, paramEncoding:
		p.passed()
	case paramEcho:
		kind := p.peek()
		p.r.Echo = kind != 'f' && kind != 'n'
		p.passed()
	case paramNumbers:
		p.numbers()
	case paramPriced:
		p.optional()
	case paramModel:
		p.model()
	case paramStream:
		p.r.Stream = p.boolean("stream").isTrue
	case paramStreamOptions:
		p.streamOptions()
	case paramOutputCap:
		p.outputCap(string(name))
	case paramMinTokens:
		p.minTokens, _ = p.integer("min_tokens", countInteger)
	case paramIgnoreEOS:
		p.r.IgnoreEOS = p.boolean("ignore_eos").isTrue
	case paramN:
		p.n = p.sequences("n")
	case paramBestOf:
		p.bestOf = p.sequences("best_of")
	case paramUseBeamSearch:
		p.boolean("use_beam_search") // its width is n
	case paramTruncatePromptTokens:
		p.r.TruncateInput, _ = p.integer("truncate_prompt_tokens", integerRule{-1, integerMax})
	case paramTruncation:
		p.truncation()
	default:
		p.input(m)
	}
}

// model reads the model's name.
func (p *parse) model() {
	switch p.peek() {
	case '"':
		start := p.i
		p.r.Model = p.str()
		p.r.at.model = extent{start, p.i}
	case 'n':
		p.r.at.model = p.value()
	default:
		p.reject(wrongValue("model", "a string", p.raw()))
	}
}

// outputCap reads one of the members that bound the output.
func (p *parse) outputCap(name string) {
	rule := positiveInteger
	if p.endpoint == Completions {
		rule = countInteger // 0 with echo returns the prompt
	}
	p.peek()
	start := p.i
	v, ok := p.integer(name, rule)
	if ok && p.r.at.capsCount < len(p.r.at.caps) { // there are more only in a body that validate refuses
		p.r.at.caps[p.r.at.capsCount] = capMember{extent{start, p.i}, v}
		p.r.at.capsCount++
		p.r.at.hasMaxTokens = p.r.at.hasMaxTokens || name == "max_tokens"
	}
}

// sequences reads n or best_of.
func (p *parse) sequences(name string) int64 {
	v, _ := p.integer(name, positiveInteger)
	if most := p.options.sequencesMax(); v > most {
		p.reject(failure.InvalidRequest(name, "%s must be at most %d here, is %d", name, most, v))
	}
	return v
}

// streamOptions reads the member of that name.
func (p *parse) streamOptions() {
	o := &p.r.at.options
	kind := p.peek()
	o.start = p.i
	if kind == '{' {
		p.streamOption()
	} else {
		p.reject(wrongValue("stream_options", "an object", p.raw()))
	}
	o.end = p.i
}

// streamOption reads the members of stream_options. What is not known there could keep
// events, or the usage on them, from coming.
func (p *parse) streamOption() {
	o, before := &p.r.at.options, 0
	p.enter('{')
	o.isEmpty = p.peek() == '}'
	for name, ok := p.member(); ok; name, ok = p.member() {
		start := p.name.start
		p.inner.begin(start)
		switch string(name) {
		case "include_usage":
			o.usage = p.boolean("stream_options.include_usage")
		case "continuous_usage_stats":
			o.continuous = p.boolean("stream_options.continuous_usage_stats")
		case "include_obfuscation":
			p.skip() // padding, which is on no server that can be asked for usage
		default:
			p.wait(&p.inner, waiting{start: start, before: before}, append([]byte("stream_options."), name...))
		}
		before = p.i
	}
	o.usageByDefault = !o.usage.isSet()
}

// truncation reads the Responses member of that name.
func (p *parse) truncation() {
	if p.peek() != '"' {
		p.skip()
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
		p.reject(failure.InvalidRequest("model", "the path names the model %s and the body %s: leave out the one in the body", failure.Quoted(path), failure.Quoted(body)))
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
	} else if p.endpoint == Completions {
		r.OutputCap = completionCap
	} else if p.endpoint == Messages {
		p.reject(failure.InvalidRequest("max_tokens", "max_tokens is missing: give the largest number of tokens to generate"))
	}
	r.MinOutput = p.minTokens
	if r.OutputCap > 0 && (r.IgnoreEOS || r.MinOutput > r.OutputCap) {
		r.MinOutput = r.OutputCap
	}
}

// smallestCap returns the smallest of the output caps in the body, and whether
// there is any.
func (r *Request) smallestCap() (int64, bool) {
	smallest := int64(-1)
	for _, c := range r.at.caps[:r.at.capsCount] {
		if smallest < 0 || c.value < smallest {
			smallest = c.value
		}
	}
	return smallest, smallest >= 0
}
