package usage

import (
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// speed learns how long answers take: a fixed time (queueing, the network),
// a time per input token (prefill) and a time per output token of a sequence.
// It is safe for concurrent use.
type speed struct {
	*sync.Mutex
	*regression
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
)

func newSpeed() speed {
	weights := []float64{firstSeconds, inputSeconds, outputSeconds}
	deviations := []float64{2 * firstSeconds, 2 * inputSeconds, 2 * outputSeconds}
	return speed{new(sync.Mutex), newRegression(weights, deviations, speedNoise, speedGrain)}
}

// LearnSpeed takes how long a complete answer to r took, from sending the
// request to the end of the answer, and what it cost. The time to the first
// token of a stream may be told as well, as an answer of one token.
func (p *Pricer) LearnSpeed(r *openai.Request, got openai.Usage, elapsed time.Duration) {
	if got.Output <= 0 || elapsed <= 0 {
		return
	}
	x := speedFeatures(got.Input, steps(r, got.Output))
	p.speed.Lock()
	defer p.speed.Unlock()
	p.speed.learn(x[:], elapsed.Seconds())
}

// TokensAfter estimates how many tokens have been generated for r, over all its
// sequences, when an answer that is not streamed is abandoned after the elapsed
// time. input is the request's input in tokens, as priced. The result is at most
// what r may get.
func (p *Pricer) TokensAfter(r *openai.Request, input int64, elapsed time.Duration) int64 {
	if !r.Endpoint.Generates() {
		return 0
	}
	x := speedFeatures(input, 0)
	p.speed.Lock()
	first, perToken := p.speed.predict(x[:]), p.speed.w[len(x)-1]
	p.speed.Unlock()
	decoding := elapsed.Seconds() - first
	if decoding <= 0 {
		return 0
	}
	each := bounded(int64(min(decoding/max(perToken, fastestSeconds), priceMax)))
	return times(min(each, p.sequenceMax(r, input)), sequences(r))
}

// steps returns the decoding steps of an answer: its sequences are generated
// side by side.
func steps(r *openai.Request, output int64) int64 {
	return max(output/sequences(r), 1)
}

func speedFeatures(input, steps int64) [3]float64 {
	return [3]float64{1, float64(input), float64(steps)}
}
