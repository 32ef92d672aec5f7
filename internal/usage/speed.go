package usage

import (
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// speeds learn how long answers take: a fixed time (queueing, the network),
// a time per input token (prefill) and a time per output token of a sequence. They
// are safe for concurrent use; the zero value has learned nothing.
type speeds struct {
	mu     sync.Mutex
	panels [panels]*regression // what the users of each have taught; nil: nothing
}

// Priors in seconds, for a model of some ten billion parameters on one GPU.
const (
	firstSeconds  = 0.2
	inputSeconds  = 1.0 / 10_000
	outputSeconds = 1.0 / 40

	// fastestSeconds is the least time for an output token of a sequence that is
	// believed. What is learned from short answers may be next to nothing, and an
	// answer that stands still must not cost hundreds of thousands of tokens.
	fastestSeconds = 1.0 / 4_000

	speedNoise = 0.15
	speedGrain = 0.01 // seconds

	// speedDoubt is the factor of the priors within which a single panel may set
	// what an abandoned answer of a user costs who has taught nothing himself.
	speedDoubt = 8
)

func newSpeed() *regression {
	weights := []float64{firstSeconds, inputSeconds, outputSeconds}
	deviations := []float64{2 * firstSeconds, 2 * inputSeconds, 2 * outputSeconds}
	return newRegression(weights, deviations, speedNoise, speedGrain)
}

// LearnSpeed takes how long a complete answer to r of a user took, from sending the
// request to the end of the answer, and what it cost. The time to the first
// token of a stream may be told as well, as an answer of one token.
func (p *Pricer) LearnSpeed(user string, r *request.Request, got wire.Usage,
	elapsed time.Duration,
) {
	if got.Output <= 0 || elapsed <= 0 {
		return
	}
	x := speedFeatures(got.Input, steps(r, got.Output))
	var panel uint8
	p.users.change(user, func(u *person) {
		panel, u.times = u.panel, min(u.times+1, trusted)
	})
	p.speeds.mu.Lock()
	defer p.speeds.mu.Unlock()
	s := p.speeds.panels[panel]
	if s == nil {
		s = newSpeed()
		p.speeds.panels[panel] = s
	}
	s.learn(x[:], elapsed.Seconds())
}

// TokensAfter estimates how many tokens have been generated for r of a user, over
// all its sequences, when an answer that is not streamed is abandoned after the
// elapsed time. input is the request's input in tokens, as priced. The result is at
// most what r may get.
func (p *Pricer) TokensAfter(user string, r *request.Request, input int64,
	elapsed time.Duration,
) int64 {
	if !r.Endpoint.Generates() {
		return 0
	}
	k := p.users.look(user)
	p.speeds.mu.Lock()
	tokens := p.speeds.tokens(k, input, elapsed.Seconds())
	p.speeds.mu.Unlock()
	each := bounded(int64(min(tokens, priceMax)))
	return times(min(each, p.sequenceMax(r, input)), sequences(r))
}

// tokens returns how many tokens of a sequence the panels say have been generated
// after so many seconds.
func (s *speeds) tokens(k known, input int64, seconds float64) float64 {
	var j jury
	prior := [3]float64{firstSeconds, inputSeconds, outputSeconds}
	alone := decoded(prior[:], input, seconds)
	for i, panel := range s.panels {
		if panel == nil {
			continue
		}
		vote := decoded(panel.w, input, seconds)
		if k.times && i == k.panel {
			alone = vote
		}
		j.add(vote)
	}
	if !k.times {
		j.doubt(alone, speedDoubt)
	}
	return j.verdict(alone)
}

// decoded returns how many tokens of a sequence weights say have been generated
// after so many seconds.
func decoded(w []float64, input int64, seconds float64) float64 {
	x := speedFeatures(input, 0)
	decoding := seconds - dot(w, x[:])
	return max(decoding, 0) / max(w[len(w)-1], fastestSeconds)
}

// steps returns the decoding steps of an answer: its sequences are generated
// side by side.
func steps(r *request.Request, output int64) int64 {
	return max(output/sequences(r), 1)
}

func speedFeatures(input, steps int64) [3]float64 {
	return [3]float64{1, float64(input), float64(steps)}
}
