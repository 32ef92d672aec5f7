package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"

// outputPrice returns the output to expect of all sequences of r.
func (p *Pricer) outputPrice(k known, r *request.Request, input int64) int64 {
	if !r.Endpoint.Generates() {
		return 0
	}
	most := p.sequenceMax(r, input)
	each := min(max(p.sequenceOutput(k, r, most), r.MinOutput, 1), most)
	return times(each, sequences(r))
}

// sequenceOutput returns what is expected of one sequence, which may be more
// than it can get.
func (p *Pricer) sequenceOutput(k known, r *request.Request, most int64) int64 {
	switch worst := p.options.WorstCase; {
	case (r.IgnoreEOS || worst) && most < priceMax:
		return most
	case worst:
		return p.options.DefaultOutput
	case k.output > 0:
		return k.output
	}
	return p.users.output(p.options.DefaultOutput)
}

// sequenceMax returns the most that one sequence can get: its cap, and what the
// input leaves of the context; priceMax where there is no bound. An input that
// seems to leave nothing leaves one token: it is an estimate from above. One that the
// model server may cut down leaves what it would leave then.
func (p *Pricer) sequenceMax(r *request.Request, input int64) int64 {
	most := int64(priceMax)
	if r.OutputCap > 0 {
		most = min(most, r.OutputCap)
	}
	if context := p.ContextLength(); context > 0 {
		each := input / max(r.Prompts, 1)
		if r.TruncateInput != 0 {
			each = min(each, max(r.TruncateInput, 0))
		}
		most = min(most, context-each)
	}
	return max(most, 1)
}

// sequences returns how many sequences r has generated.
func sequences(r *request.Request) int64 {
	return times(max(r.Prompts, 1), max(r.Sequences, 1))
}

// OutputFloor returns the least output that a model server can be asked for with
// r: a token of each sequence, or as many as r insists on. It is 0 where nothing
// is generated.
func OutputFloor(r *request.Request) int64 {
	if !r.Endpoint.Generates() {
		return 0
	}
	return times(max(r.MinOutput, 1), sequences(r))
}

// learnOutput takes the output of all sequences of r. Where it says only that
// an answer has at least so many tokens (it was broken off, or ended at its
// cap), it teaches that outputs are long, if so, but never that they are short.
func (p *Pricer) learnOutput(user string, r *request.Request, output int64, complete bool) {
	each := (output + sequences(r) - 1) / sequences(r)
	if r.OutputCap > 0 && each >= r.OutputCap {
		complete = false
	}
	p.users.learnOutput(user, each, complete)
}
