package mockvllm

import (
	"math"
	"math/rand/v2"
	"time"
)

// DefaultModel is served when [Options.Models] is empty.
const DefaultModel = "mock"

// DefaultContextLength is the context of a model that declares none, in tokens.
const DefaultContextLength = 32_768

// Options configures a [Server]. The zero value serves [DefaultModel] without
// delay.
type Options struct {
	// Models are the models served; each has its own engine and queue.
	Models []Model
	// Ledger keeps the books. Nil makes one; several servers may share one.
	Ledger *Ledger

	// TimeToFirstToken and TokenInterval pace every answer that does not say
	// otherwise.
	TimeToFirstToken time.Duration
	TokenInterval    time.Duration
	// OutputTokens is the length of answers that does not follow from the
	// request.
	OutputTokens Length

	// MaxRunning is the number of requests that a model's engine works on at
	// once; others wait. 0 is no limit.
	MaxRunning int
	// MaxQueue is the number that may wait; one more is answered with 503.
	// 0 is no limit, a negative value lets none wait.
	MaxQueue int

	// Stumbles are the kinds of bodies that the server trips over.
	Stumbles []Stumble

	// Seed picks the drawn lengths and the ids of requests that bring none.
	// The same seed and requests give the same answers.
	Seed uint64
	// Clock gives the times told and kept; nil is [time.Now]. Delays follow
	// the real clock (or that of a synctest bubble).
	Clock func() time.Time
}

// Model is one model served.
type Model struct {
	// Name is what requests call it.
	Name string
	// ContextLength bounds input and output together, in tokens; 0 is
	// [DefaultContextLength].
	ContextLength int64
	// PrintsAll says that the model's chat template prints whatever it gets: every
	// name, string, number and truth value of the body, at any depth, but for the
	// members that no template sees. Templates that print much do some of that. The
	// counts of /tokenize are those of the members that it reads, as in vLLM.
	PrintsAll bool
	// NullCap and AbsentCap are how many tokens a completion may get whose
	// max_tokens is null, and one that has none. Versions of servers disagree.
	NullCap, AbsentCap CapDefault
}

// CapDefault is how many tokens a completion may get that has no cap.
type CapDefault uint8

// The defaults.
const (
	SixteenTokens CapDefault = iota
	RestOfContext
)

// Stumble is what a server does with a body of a kind, whoever sends it: a bug of a
// model server that some requests set off. The body does not ask for it, so that it
// happens also where nothing unknown is passed on.
type Stumble struct {
	// Text is what the kind is known by: a body that has these bytes anywhere.
	Text string
	// Behavior replaces the request's own; that of the first kind does.
	Behavior Behavior
}

// Length is a distribution of answer lengths, in tokens: from Min to Max, short
// ones likelier (uniform on a logarithmic scale). The zero value is 8 to 64.
type Length struct{ Min, Max int64 }

func (l Length) draw(r *rand.Rand) int64 {
	if l == (Length{}) {
		l = Length{Min: 8, Max: 64}
	}
	low, high := math.Log(float64(max(l.Min, 1))), math.Log(float64(l.Max+1))
	n := int64(math.Exp(low + r.Float64()*(high-low)))
	return max(l.Min, min(n, l.Max))
}
