package books

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// fate is what becomes of a request.
type fate uint8

const (
	completes    fate = iota // answered to the end, usage told
	withoutUsage             // answered to the end, usage not told
	leavesEarly              // the client leaves before the first byte
	leavesStream             // the client leaves in the middle of a stream
	leavesAnswer             // the client leaves while a JSON answer is generated
	breaks                   // the model server breaks the answer off
	refused                  // the model server answers 4xx
	failed                   // the model server answers 5xx, or with a closed connection
	tried                    // the first attempt meets a closed connection
	fates
)

var fateNames = [fates]string{
	"completes", "without usage", "leaves early", "leaves stream", "leaves answer",
	"breaks", "4xx", "5xx", "closed connection",
}

func (f fate) String() string { return fateNames[f] }

// order is one request of the plan: what is sent, and what becomes of it.
type order struct {
	id, user string
	endpoint wire.Endpoint
	stream   bool
	prompts  int64 // of completions; else 1
	choices  int64 // per prompt
	split    int   // bytes per write of the stream; 0 for whole events
	fate     fate

	// after is how many tokens, of all choices together, are generated or
	// arrive before it is cut short.
	after int64
	// paused streams generate a token only when the one before was read: what
	// is generated and what has arrived are the same when the client leaves.
	paused bool
	// atOnce has the client leave as soon as the request is written, wherever
	// the gateway is then.
	atOnce bool
	// untold streams have no usage on their events.
	untold bool
	// lossy breaks take with them what was on its way: the connection is reset.
	lossy bool

	body string
}

// metered reports whether the events of the answer tell usage.
func (o *order) metered() bool {
	return o.stream && !o.untold && (o.endpoint == wire.ChatCompletions || o.endpoint == wire.Completions)
}

// sequences is how many runs of tokens are generated side by side.
func (o *order) sequences() int64 { return o.prompts * o.choices }

// leaves reports whether the client leaves.
func (o *order) leaves() bool {
	return o.fate == leavesEarly || o.fate == leavesStream || o.fate == leavesAnswer
}

const users = 6

// planner draws orders; the same seed draws the same ones.
type planner struct {
	*rand.Rand
	store string
}

// newPlan returns n orders. The first warm ones are complete JSON answers, from
// which the gateway learns what tokens and answers of this model are like.
func newPlan(store string, seed uint64, n, warm int) []order {
	p := newPlanner(store, seed)
	plan := make([]order, n)
	for i := range plan {
		fate := completes
		if i >= warm {
			fate = p.fate()
		}
		plan[i] = p.order(i, fate, i < warm)
	}
	return plan
}

func newPlanner(store string, seed uint64) planner {
	return planner{rand.New(rand.NewPCG(seed, 1)), store}
}

// order draws order number i; a plain one is not streamed unless its fate wants
// that.
func (p planner) order(i int, f fate, plain bool) order {
	o := order{id: fmt.Sprintf("%s-%04d", p.store, i), user: fmt.Sprintf("user-%d", p.IntN(users)), fate: f}
	p.shape(&o, plain)
	p.write(&o)
	return o
}

// fate draws what becomes of a request: seven of a hundred for each way in
// which it can go wrong.
func (p planner) fate() fate {
	if k := fate(p.IntN(100) / 7); k < fates-1 {
		return k + 1
	}
	return completes
}

// shape draws what a request looks like.
func (p planner) shape(o *order, plain bool) {
	o.stream = !plain && p.IntN(100) < 60
	switch o.fate {
	case leavesStream:
		o.stream = true
	case leavesAnswer:
		o.stream = false
	}
	o.prompts, o.choices = 1, 1
	switch k := p.IntN(100); {
	case k < 35:
		o.endpoint = wire.ChatCompletions
	case k < 65:
		o.endpoint = wire.Completions
		o.prompts += int64(p.IntN(2))
	case k < 83:
		o.endpoint = wire.Responses
	default:
		o.endpoint = wire.Messages
	}
	if o.endpoint <= wire.Completions && p.IntN(3) == 0 {
		o.choices = 3
	}
	if o.stream && p.IntN(100) < 30 {
		o.split = 5 + 2*p.IntN(30)
	}
}

// write writes the body.
func (p planner) write(o *order) {
	mock := map[string]any{"user": o.user, "output_tokens": 4 + p.IntN(36)}
	if p.korean(o) {
		mock["language"] = "ko"
	}
	if o.stream {
		mock["ttft_ms"], mock["token_ms"] = 0, 0
		p.frame(o, mock)
	}
	p.decide(o, mock)
	body := map[string]any{"model": apptest.Model, "stream": o.stream, "mock": mock}
	p.ask(o, body)
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // the plan's own mistake
	}
	o.body = string(b)
}

// korean reports whether the user writes Korean; one in six does.
func (p planner) korean(o *order) bool { return o.user == "user-0" }

// frame draws how events are written.
func (p planner) frame(o *order, mock map[string]any) {
	if o.split == 0 {
		return
	}
	mock["split"] = o.split
	mock["line_end"] = []string{"", "crlf", "cr"}[p.IntN(3)]
	mock["comments"] = p.IntN(2) == 0
	mock["multiline"] = p.IntN(2) == 0
	mock["bom"] = p.IntN(4) == 0
}

// decide draws how the fate of a request comes about.
func (p planner) decide(o *order, mock map[string]any) {
	switch o.fate {
	case withoutUsage:
		mock["usage"] = []string{"none", "null"}[p.IntN(2)]
		o.untold = true
	case leavesEarly:
		o.atOnce = p.IntN(3) == 0
		mock["output_tokens"] = 1000
		if o.stream {
			mock["ttft_ms"] = 60_000
		}
	case leavesStream:
		p.leaveStream(o, mock)
	case leavesAnswer:
		o.after = o.sequences() * int64(4+p.IntN(50))
		mock["output_tokens"] = 1000
	case breaks:
		p.breakOff(o, mock)
	case refused:
		mock["status"] = []int{400, 404, 413, 422, 429}[p.IntN(5)]
	case failed:
		p.fail(mock)
	case tried:
		mock["fail"], mock["fail_attempts"] = []string{"refuse-before-byte", "reset-before-byte"}[p.IntN(2)], 1
	}
}

func (p planner) leaveStream(o *order, mock map[string]any) {
	rounds := int64(1 + p.IntN(40))
	o.after = 1 + p.Int64N(o.sequences()*rounds)
	o.paused = p.IntN(2) == 0
	mock["ack"] = o.paused
	mock["output_tokens"] = rounds + 40
	if !o.paused && p.IntN(2) == 0 {
		mock["token_ms"] = 2
	}
	if p.IntN(4) == 0 {
		mock["usage"] = "final-only"
		o.untold = true
	}
}

func (p planner) breakOff(o *order, mock map[string]any) {
	rounds := int64(2 + p.IntN(40))
	o.after = 1 + p.Int64N(o.sequences()*(rounds-1))
	mock["output_tokens"], mock["after_tokens"] = rounds, o.after
	faults := []string{"reset", "close", "truncate"}
	if o.stream {
		faults = append(faults, "reset-mid-event", "error")
		if p.IntN(4) == 0 {
			mock["usage"] = "final-only"
			o.untold = true
		}
	}
	fault := faults[p.IntN(len(faults))]
	mock["fail"] = fault
	o.lossy = strings.HasPrefix(fault, "reset")
}

// fail draws a failure: a status, a full queue, an error as the first event of
// a stream, or a connection that closes whenever it is tried.
func (p planner) fail(mock map[string]any) {
	switch p.IntN(4) {
	case 0:
		mock["status"] = []int{500, 502, 503, 504}[p.IntN(4)]
	case 1:
		mock["fail"] = "queue-full"
	case 2:
		mock["fail"] = "error"
		mock["comments"] = false // behind a comment, the status has been sent
	default:
		mock["fail"] = "refuse-before-byte"
	}
}

// ask writes the members that an endpoint takes.
func (p planner) ask(o *order, body map[string]any) {
	text := func() string { return p.text(p.korean(o), 3+p.IntN(60)) }
	switch o.endpoint {
	case wire.Completions:
		body["prompt"] = text()
		if o.prompts > 1 {
			body["prompt"] = []string{text(), text()}
		}
	case wire.Responses:
		body["input"] = text()
	case wire.Messages:
		body["max_tokens"] = 2000
		fallthrough
	default:
		messages := []any{}
		for range 1 + p.IntN(3) {
			messages = append(messages, map[string]any{"role": "user", "content": text()})
		}
		body["messages"] = messages
	}
	if o.choices > 1 {
		body["n"] = o.choices
	}
	if o.endpoint == wire.Completions {
		body["max_tokens"] = 2000
	}
	if o.endpoint <= wire.Completions && o.stream && p.IntN(3) == 0 {
		body["stream_options"] = map[string]any{"include_usage": true, "continuous_usage_stats": p.IntN(2) == 0}
	}
}
