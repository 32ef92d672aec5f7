package usage

import (
	"cmp"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// Price is the estimate made before a request is sent, in tokens.
type Price struct {
	// Input is an upper quantile: about one request in fourteen needs more, and none more than
	// ExcessMax times that.
	Input      int64
	InputFloor int64 // the least that the input can be; at most Input
	Output     int64 // over all prompts and sequences; 0 where nothing is generated
}

// Options says what a [Pricer] cannot learn. The zero value of each field means
// its default.
type Options struct {
	// DefaultOutput is the output expected of a sequence while nothing has
	// been learned, in tokens; 256.
	DefaultOutput int64
	// ImageTokens is the price of a picture; 1024.
	ImageTokens int64
	// AudioTokensPerSecond is the price of a second of audio; 25.
	AudioTokensPerSecond float64
	// ContextLength bounds the input and output of a prompt together, in
	// tokens; 0: not known, unless [Pricer.KnowContext] tells.
	ContextLength int64
	// WorstCase makes the output price the most that can be generated, not
	// what is expected.
	WorstCase bool
	// UsersMax is how many users' output lengths are remembered; 10,000.
	// Those of others are priced like the model's average user.
	UsersMax int
}

// audioPartSeconds is assumed of a recording whose length is not known.
const audioPartSeconds = 30

// priceMax bounds every part of a price, so that sums and products of prices
// stay far from overflow. It is beyond any limit that makes sense.
const priceMax = 1 << 40

func (o Options) withDefaults() Options {
	o.DefaultOutput = cmp.Or(max(o.DefaultOutput, 0), 256)
	o.ImageTokens = cmp.Or(max(o.ImageTokens, 0), 1024)
	o.AudioTokensPerSecond = cmp.Or(max(o.AudioTokensPerSecond, 0), 25)
	o.UsersMax = cmp.Or(max(o.UsersMax, 0), 10_000)
	return o
}

// Pricer prices the requests of one model and learns from their usage. It is
// safe for concurrent use. Make one with [NewPricer].
type Pricer struct {
	options Options
	context atomic.Int64 // of the model, as model servers tell; 0: they do not
	*learned
}

// learned is what a Pricer has found out, which those made of it share.
type learned struct {
	users  *history
	input  inputs
	speeds speeds
}

// NewPricer returns a Pricer that has learned nothing yet.
func NewPricer(o Options) *Pricer {
	o = o.withDefaults()
	return &Pricer{options: o, learned: &learned{users: newHistory(o.UsersMax)}}
}

// With returns a Pricer with other options that knows what p has learned; from
// then on either learns for both. UsersMax stays as it is.
func (p *Pricer) With(o Options) *Pricer {
	o.UsersMax = p.options.UsersMax
	q := &Pricer{options: o.withDefaults(), learned: p.learned}
	q.context.Store(p.context.Load())
	return q
}

// KnowContext tells the tokens of the model's context, 0: they are not known, where
// Options do not, and reports whether that is news.
func (p *Pricer) KnowContext(tokens int64) (news bool) {
	return p.options.ContextLength == 0 && p.context.Swap(tokens) != tokens
}

// ContextLength returns the tokens of the model's context; 0 where they are not known.
func (p *Pricer) ContextLength() int64 {
	if p.options.ContextLength > 0 {
		return p.options.ContextLength
	}
	return p.context.Load()
}

// Price estimates what request r of a user will cost. It does not allocate and
// does not wait for [Pricer.Learn]. A request to an endpoint that spends no
// tokens has the zero Price.
func (p *Pricer) Price(user string, r *request.Request) Price {
	if !r.Endpoint.Counts() {
		return Price{}
	}
	var price Price
	k := p.users.look(user)
	price.InputFloor = p.inputFloor(r)
	price.Input = max(p.inputPrice(k, r), price.InputFloor)
	price.Output = p.outputPrice(k, r, price.Input)
	return price
}

// besideBytes is how many bytes of text a token is taken to have that was not counted:
// about as many as in English.
const besideBytes = 4

// Counted returns the price of r, of one prompt, whose input has n tokens by the
// model server's own count, which does not see all.
func (p *Pricer) Counted(user string, r *request.Request, n int64) Price {
	n = min(bounded(n), p.inputMax(r))
	price := Price{InputFloor: min(n, p.cutMax(r))}
	price.Input = min(n+(bounded(r.Beside)+besideBytes-1)/besideBytes, p.inputMax(r))
	price.Output = p.outputPrice(p.users.look(user), r, price.Input)
	return price
}

// inputPrice returns the upper estimate of the input, within what the model
// server admits.
func (p *Pricer) inputPrice(k known, r *request.Request) int64 {
	tokens := bounded(r.TokenIDs) + p.mediaTokens(r)
	// Prompts of other than ids have tokens that begin and end them, also where they are empty.
	isOfIDs := r.TokenIDs >= r.Prompts
	if r.Text.Bytes() > 0 || r.Messages > 0 || !isOfIDs {
		tokens += max(p.input.upper(k, r), leastPrice(r))
	} else if r.Words > 0 {
		tokens += leastPrice(r)
	}
	return min(tokens, p.inputMax(r), priceMax)
}

// inputMax returns what the model server lets the input of all prompts be. That the
// client asks for shorter ones does not count: a server that does not know the member
// serves them whole.
func (p *Pricer) inputMax(r *request.Request) int64 {
	most := int64(priceMax)
	if context := p.ContextLength(); context > 0 {
		most = context
	}
	return times(most, r.Prompts)
}

// mediaTokens returns the declared price of pictures and recordings.
func (p *Pricer) mediaTokens(r *request.Request) int64 {
	seconds := r.AudioSeconds + audioPartSeconds*float64(bounded(r.AudioParts-r.AudioTimed))
	audio := min(seconds*p.options.AudioTokensPerSecond, priceMax)
	return times(r.Images, p.options.ImageTokens) + int64(audio)
}

// OutputTokens estimates how many tokens the text t has that was generated for a
// user, for answers whose usage was not told.
func (p *Pricer) OutputTokens(user string, t chars.Text) int64 {
	return p.input.textTokens(p.users.look(user), &t)
}

// bounded returns n, within 0 and priceMax.
func bounded(n int64) int64 { return min(max(n, 0), priceMax) }

// times returns a*b within 0 and priceMax; a factor below 1 counts as 0.
func times(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > priceMax/b {
		return priceMax
	}
	return a * b
}
