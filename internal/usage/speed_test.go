package usage

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// engine is a model server that takes its time: to begin, per input token, and
// per output token, each a few percent more or less.
type engine struct {
	first, perInput, perOutput float64 // seconds
	rng                        *rand.Rand
}

func (e *engine) around(v float64) float64 { return v * (1 + 0.08*e.rng.NormFloat64()) }

func (e *engine) start(input int64) float64 {
	return e.around(e.first) + e.around(e.perInput)*float64(input)
}

func (e *engine) request() (input, output int64) {
	return 20 + e.rng.Int64N(3000), 20 + int64(200*e.rng.ExpFloat64())
}

func (e *engine) teach(p *Pricer, user string, n int) {
	for range n {
		input, output := e.request()
		took := e.start(input) + e.around(e.perOutput)*float64(output)
		p.LearnSpeed(user, ids(input, nil), wire.Usage{Input: input, Output: output}, seconds(took))
	}
}

// meanError abandons answers somewhere on their way and returns the mean error
// of the estimate, relative to what was generated.
func (e *engine) meanError(p *Pricer) float64 {
	const n = 300
	sum := 0.0
	for range n {
		input, output := e.request()
		generated := max(int64(float64(output)*e.rng.Float64()), 10)
		elapsed := e.start(input) + e.around(e.perOutput)*float64(generated)
		got := p.TokensAfter("user", ids(input, nil), input, seconds(elapsed))
		sum += math.Abs(float64(got-generated)) / float64(generated)
	}
	return sum / n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestTokensAfter(t *testing.T) {
	engines := map[string]engine{
		"fast":         {first: 0.03, perInput: 1e-5, perOutput: 0.004},
		"slow":         {first: 0.3, perInput: 1e-4, perOutput: 0.08},
		"long prefill": {first: 0.1, perInput: 3e-4, perOutput: 0.03},
	}
	for name, e := range engines {
		e.rng = rand.New(rand.NewPCG(5, 6))
		p := NewPricer(Options{})
		e.teach(p, "user", 50)
		checkSpeed(t, name, &e, p)
		e.perOutput *= 3 // the server is loaded now
		e.teach(p, "user", 50)
		checkSpeed(t, name+", loaded", &e, p)
	}
}

func checkSpeed(t *testing.T, name string, e *engine, p *Pricer) {
	t.Helper()
	if got := e.meanError(p); got > 0.20 {
		t.Errorf("%s: mean error %.2f, want at most 0.20", name, got)
	}
}

func TestTokensAfterStaysWithinWhatIsPossible(t *testing.T) {
	p := NewPricer(Options{ContextLength: 1000})
	capped := ids(10, func(r *request.Request) { r.OutputCap, r.Sequences = 50, 2 })
	embedding := ids(10, func(r *request.Request) { r.Endpoint = wire.Embeddings })
	tests := map[string]struct {
		r       *request.Request
		elapsed time.Duration
		want    int64
	}{
		"at once":           {ids(10, nil), 0, 0},
		"before the first":  {ids(10, nil), time.Millisecond, 0},
		"up to the cap":     {capped, time.Hour, 100},
		"up to the context": {ids(10, nil), time.Hour, 990},
		"of embeddings":     {embedding, time.Hour, 0},
	}
	for name, tt := range tests {
		if got := p.TokensAfter("user", tt.r, 10, tt.elapsed); got != tt.want {
			t.Errorf("%s: %d tokens, want %d", name, got, tt.want)
		}
	}
}

// An answer that stands still on a server that has been fast costs what the
// fastest could have generated, not what a division by next to nothing gives.
func TestTokensAfterOfAFastServer(t *testing.T) {
	p := NewPricer(Options{})
	for range 200 {
		p.LearnSpeed("user", ids(10, nil), wire.Usage{Input: 10, Output: 100}, 200*time.Microsecond)
	}
	if got := p.TokensAfter("user", ids(10, nil), 10, time.Minute); got > 60*4_000 {
		t.Errorf("%d tokens in a minute", got)
	}
}

// TestWhoIsBelievedOfSpeed: who has taught how fast answers are is believed of himself. An
// abandoned answer of another costs within a factor of what is said of models in general
// where one has taught it or two, and what they say where three agree.
func TestWhoIsBelievedOfSpeed(t *testing.T) {
	after := func(p *Pricer, user string) float64 {
		return float64(p.TokensAfter(user, ids(10, nil), 10, 10*time.Second))
	}
	general := after(NewPricer(Options{}), "new")
	least, most := general/speedDoubt-1, (general+1)*speedDoubt
	about := func(v, want float64) bool { return v > 0.7*want && v < 1.4*want }
	for name, perOutput := range map[string]float64{"fast": 1.0 / 2000, "slow": 2} {
		p := NewPricer(Options{})
		for users := range 4 {
			for n := range int64(200) {
				output := 10 * (1 + n)
				p.LearnSpeed(honest(users), ids(10, nil), wire.Usage{Input: 10, Output: output}, seconds(perOutput*float64(output)))
			}
			if got := after(p, honest(users)); !about(got, 10/perOutput) {
				t.Errorf("%s, %d others: he has got %.0f tokens, want about %.0f", name, users, got, 10/perOutput)
			}
			got := after(p, "new")
			if within := got >= least && got <= most; within != (users < 2) || !within && !about(got, 10/perOutput) {
				t.Errorf("%s, %d have taught: a stranger has got %.0f tokens, and models in general give %.0f", name, users+1, got, general)
			}
		}
	}
}

// TestSequencesAreGeneratedSideBySide: answers of four sequences take as long as each of
// them alone, and teach the same.
func TestSequencesAreGeneratedSideBySide(t *testing.T) {
	after := func(sequences int64) int64 {
		p := NewPricer(Options{})
		r := ids(10, func(r *request.Request) { r.Sequences = sequences })
		for n := range int64(50) {
			output := 50 + 10*n
			p.LearnSpeed("user", r, wire.Usage{Input: 10, Output: output * sequences}, seconds(0.01*float64(output)))
		}
		return p.TokensAfter("user", r, 10, 5*time.Second)
	}
	if one, four := after(1), after(4); four != 4*one || one < 450 || one > 550 {
		t.Errorf("after five seconds there are %d tokens of one sequence and %d of four, want about 500 and 2000", one, four)
	}
}

// TestWhatTeachesNoSpeed: an answer without output or time says nothing of how fast it was.
func TestWhatTeachesNoSpeed(t *testing.T) {
	for name, tt := range map[string]struct {
		output  int64
		elapsed time.Duration
	}{
		"no output": {0, time.Hour}, "less than none": {-5, time.Hour}, "no time": {1000, 0}, "less than no time": {1000, -time.Second},
	} {
		p := NewPricer(Options{})
		before := p.TokensAfter("user", ids(10, nil), 10, time.Second)
		for range 50 {
			p.LearnSpeed("user", ids(10, nil), wire.Usage{Input: 10, Output: tt.output}, tt.elapsed)
		}
		if after := p.TokensAfter("user", ids(10, nil), 10, time.Second); after != before {
			t.Errorf("%s: a second gives %d tokens, and gave %d before", name, after, before)
		}
	}
}
