package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// idle returns a outbox of a store that has no server, which nothing is sent from.
func idle() *outbox {
	s := &Store{options: Options{replica: "me"}, scripts: newScripts(argumentClock)}
	m := newModel("m")
	m.outbox = newOutbox(s, m)
	return m.outbox
}

// queued puts a batch of two entries into the queue.
func (ob *outbox) queued(b batch) *batch {
	b.size = 2
	ob.queue = append(ob.queue, &b)
	ob.added += 2
	ob.store.batches.Store(b.number)
	return &b
}

// TestWhatGoesNext: which batches are sent, with a decision or without, and what each of
// them follows.
func TestWhatGoesNext(t *testing.T) {
	p := newProgram(minute(t, 1000))
	full := make([]batch, queuedBatches)
	for i := range full {
		full[i] = batch{number: uint64(i + 1), sent: 1}
	}
	reserveOf := func(user string) *request {
		return &request{script: newScript(operationReserve, ""), keys: []string{"", "", user}}
	}
	view := &request{script: newScript("view", ""), keys: []string{"", "", "other"}}
	for name, tt := range map[string]struct {
		queue    []batch
		entries  []int // what they weigh, each of user "u"
		refused  bool
		roomy    bool
		decision *request
		want     string // the batches, each with the one that it follows; what is left
	}{
		"nothing":                       {want: "[] left false own false"},
		"entries":                       {entries: []int{1, 1}, want: "[1>0] left false own false"},
		"several batches":               {entries: []int{100, 100}, want: "[1>0 2>1] left false own false"},
		"as many as may go":             {entries: []int{128, 128, 128}, want: "[1>0 2>1] left true own true"},
		"a large one alone":             {entries: []int{500, 1}, want: "[1>0] left true own true"},
		"what is under way":             {queue: []batch{{number: 1, sent: 1}}, want: "[] left false own false"},
		"behind what is under way":      {queue: []batch{{number: 1, sent: 1}}, entries: []int{1}, want: "[2>1] left false own false"},
		"what came back, and behind it": {queue: []batch{{number: 1, sent: 1}, {number: 2, sent: 1, back: true}, {number: 3, sent: 1}}, want: "[2>1 3>2] left false own false repeated 2"},
		"what came back is the first":   {queue: []batch{{number: 5, sent: 1, back: true, after: 3}}, want: "[5>0] left false own false repeated 1"},
		"never sent":                    {queue: []batch{{number: 5, back: true}}, want: "[5>0] left false own false"},
		"some of what came back": {
			queue: []batch{{number: 1, sent: 1, back: true, charges: 200}, {number: 2, sent: 1, charges: 100}}, entries: []int{1}, want: "[1>0] left true own true repeated 1"},
		"all of what came back": {
			queue: []batch{{number: 1, sent: 1, back: true, charges: 128}, {number: 2, sent: 1, charges: 128}}, want: "[1>0 2>1] left false own false repeated 2"},
		"entries behind what came back": {
			queue: []batch{{number: 1, sent: 1, back: true, charges: 100}}, entries: []int{1}, want: "[1>0 2>1] left false own false repeated 1"},
		"no room behind what came back": {
			queue: []batch{{number: 1, sent: 1, back: true, charges: 129}}, entries: []int{1}, want: "[1>0] left true own true repeated 1"},
		"a full queue":   {queue: full, entries: []int{1}, want: "[] left true own true"},
		"the last batch": {queue: full[1:], entries: []int{1, 128}, want: "[257>256] left true own true"},
		"refused, and tried alone": {
			queue: []batch{{number: 1, sent: 1, back: true}, {number: 2, sent: 1, back: true}}, refused: true, want: "[1>0] left true own true repeated 1"},
		"refused, and not tried by decisions": {
			queue: []batch{{number: 1, sent: 1, back: true}}, refused: true, decision: reserveOf("u"), want: "[] left true own true"},
		"a decision of the user":             {entries: []int{1}, roomy: true, decision: reserveOf("u"), want: "[1>0] left false own false"},
		"of another one":                     {entries: []int{1}, roomy: true, decision: reserveOf("other"), want: "[] left true own false"},
		"of another one, without room":       {entries: []int{1}, decision: reserveOf("other"), want: "[1>0] left false own false"},
		"of another one, for what came back": {queue: []batch{{number: 1, sent: 1, back: true}}, roomy: true, decision: reserveOf("other"), want: "[1>0] left false own false repeated 1"},
		"of another one, beside what is under way": {
			queue: []batch{{number: 1, sent: 1}}, roomy: true, decision: reserveOf("other"), want: "[] left false own false"},
		"of another one, and many wait":     {entries: make([]int, batchCharges+1), roomy: true, decision: reserveOf("other"), want: "[1>0 2>1] left false own false"},
		"of another one, and not many wait": {entries: make([]int, batchCharges), roomy: true, decision: reserveOf("other"), want: "[] left true own false"},
		"a view":                            {entries: []int{1}, roomy: true, decision: view, want: "[1>0] left false own false"},
	} {
		st := idle()
		for _, b := range tt.queue {
			st.queued(b)
		}
		for _, work := range tt.entries {
			st.add(entry{user: "u", program: p, work: work, charges: []charge{{}}})
		}
		if tt.refused {
			st.refusal.Store(&callError{})
		}
		st.roomy.Store(tt.roomy)
		st.setbacks = 3
		batches, before := st.gather(tt.decision)
		var got []string
		for _, b := range batches {
			got = append(got, fmt.Sprint(b.number, ">", b.after))
			if b.back || b.sent == 0 {
				t.Errorf("%s: batch %d has not gone: %+v", name, b.number, b)
			}
		}
		text := fmt.Sprintf("%v left %v own %v", got, before.behind, before.own)
		if n := st.store.Stats().Repeated; n > 0 {
			text += fmt.Sprint(" repeated ", n)
		}
		if text != tt.want || before.added != st.added || before.setbacks != 3 {
			t.Errorf("%s: %s at %+v, want %s", name, text, before, tt.want)
		}
	}
}

// TestNothingIsSent: where there is nothing to send, or no room, nobody is told that
// batches were applied.
func TestNothingIsSent(t *testing.T) {
	st := idle()
	if _, _, applied := st.send(t.Context(), time.Now().Add(patient), nil); applied {
		t.Error("nothing was applied")
	}
}

// refusalOf returns the error of a script that a server answers with an error.
func refusalOf(t *testing.T, s *Store, text string) error {
	t.Helper()
	_, err := s.call(t.Context(), newScript("view", "return redis.error_reply('"+text+"')"), patient, nil, []string{"1", "me 0 0"})
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("the error is %v, want %s", err, text)
	}
	return err
}

// TestWhatComesOfBatches: what is applied leaves the queue, with all before it; what is not
// goes again, and is told for what it is.
func TestWhatComesOfBatches(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	applied, early := answer{values: []int64{1, 2, 3, 0, 7, 9}}, answer{values: []int64{batchEarly, 0, 0, 0, 7, 9}}
	lost := answer{err: &callError{"settle", errShut, true, &s.options}}
	refused, forgotten := answer{err: refusalOf(t, s, "WRONGTYPE no")}, answer{err: refusalOf(t, s, "NOSCRIPT no")}
	type outcome struct {
		queue                string // the numbers that are left; ! where a batch goes again
		well, woken          bool
		applied              uint64
		setbacks             uint64
		settled              uint64
		refused, forgotten   bool
		doubted              bool
		attempts             int64 // that were refused
		batches, lost, wrong int64
	}
	for name, tt := range map[string]struct {
		answers []answer // of the batches 4, 5 and 6
		want    outcome
	}{
		"all":              {[]answer{applied, applied, applied}, outcome{queue: "[]", well: true, applied: 6, settled: 6, batches: 3, lost: 6, wrong: 9}},
		"the first":        {[]answer{applied}, outcome{queue: "[5 6]", well: true, applied: 2, settled: 4, batches: 1, lost: 2, wrong: 3}},
		"the first lost":   {[]answer{lost, applied}, outcome{queue: "[6]", woken: true, applied: 4, setbacks: 1, settled: 5, batches: 2, lost: 2, wrong: 3}},
		"the last lost":    {[]answer{applied, applied, lost}, outcome{queue: "[6!]", woken: true, applied: 4, setbacks: 1, settled: 5, batches: 2, lost: 4, wrong: 6, refused: false}},
		"early":            {[]answer{lost, early}, outcome{queue: "[4! 5! 6]", woken: true, setbacks: 2, refused: true, forgotten: true}},
		"refused":          {[]answer{refused}, outcome{queue: "[4! 5 6]", woken: true, setbacks: 1, refused: true, forgotten: true, doubted: true, attempts: 1}},
		"forgotten":        {[]answer{forgotten}, outcome{queue: "[4! 5 6]", woken: true, setbacks: 1, refused: true, forgotten: true}},
		"the other copies": {[]answer{applied, applied, applied, lost}, outcome{queue: "[]", woken: true, applied: 6, settled: 6, batches: 3, lost: 6, wrong: 9}},
	} {
		st := idle()
		st.model.rehearsal.on.Store(1)
		var batches []*batch
		for n := range uint64(3) {
			batches = append(batches, st.queued(batch{number: n + 4, sent: 1}))
		}
		batches = append(batches, batches[0])[:len(tt.answers)] // the fourth is a copy of the first
		if name != "forgotten" {
			st.forgotten.Store(true)
		}
		st.refusal.Store(&callError{cause: errShut})
		moved := st.change()
		var got outcome
		got.well = st.note(batches, tt.answers)
		var left []string
		for _, b := range st.queue {
			left = append(left, fmt.Sprint(b.number)+map[bool]string{true: "!"}[b.back])
		}
		c := &st.store.counts.stats
		got.queue, got.woken, got.applied, got.setbacks, got.settled = fmt.Sprint(left), len(st.wake) > 0, st.applied, st.setbacks, st.model.settled.Load()
		got.refused, got.forgotten, got.doubted = st.refusal.Load() != nil, st.forgotten.Load(), st.model.rehearsal.on.Load() == 0
		got.attempts, got.batches, got.lost, got.wrong = c.Refused, c.Batches, c.Lost, c.Missing
		if got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", name, got, tt.want)
		}
		select {
		case <-moved:
		default:
			t.Errorf("%s: who waits is not told", name)
		}
		if known := st.model.seen.Load(); (known != nil) != (tt.want.batches > 0) || known != nil && (known.last != 9 || known.enrolment != 7) {
			t.Errorf("%s: what was seen is %+v", name, known)
		}
		if e := st.refusal.Load(); name == "refused" && e.cause == errShut {
			t.Error("a refusal is not told")
		}
	}
}

// TestRoom: a model has room while its limits are not half used.
func TestRoom(t *testing.T) {
	limits := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 100}}
	for _, tt := range []struct {
		most, running, used int64
		want                bool
	}{
		{9, 0, 0, true}, {9, 3, 0, true}, {9, 4, 0, false}, {9, 8, 0, false}, {10, 4, 0, true}, {10, 5, 0, false},
		{limit.Unlimited, -1, 0, true}, {limit.Unlimited, -1, 49, true}, {limit.Unlimited, -1, 50, false}, {limit.Unlimited, -1, 100, false}, {9, 4, 10, false}, {9, 3, 50, false},
	} {
		p := limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits, MaxConcurrent: tt.most})
		for _, before := range []bool{false, true} {
			st := idle()
			st.roomy.Store(before)
			st.noteRoom(p, &limit.Decision{Standings: []limit.Standing{{Used: 100}, {Used: tt.used}}}, tt.running)
			if got := st.roomy.Load(); got != tt.want {
				t.Errorf("with %d of %d running and %d used: %v, want %v", tt.running, tt.most, tt.used, got, tt.want)
			}
		}
	}
}

// TestRequestsOfABatch: what is sent again is not written over what was sent before, which
// may be under way.
func TestRequestsOfABatch(t *testing.T) {
	st := idle()
	b := newBatch(st.model, st.model.self(st.store), 1, 1, []entry{{user: "u", program: newProgram(minute(t, 10))}})
	b.sent = 1
	first := b.request(st.model)
	before := strings.Join(first.args, " ")
	b.sent, b.after = 2, 5
	again := b.request(st.model)
	if got := strings.Join(first.args, " "); got != before {
		t.Errorf("what was sent is %q now, and was %q", got, before)
	}
	if again.args[0] == first.args[0] || again.args[2] != "1 5" {
		t.Errorf("what is sent again is %q, after %q", again.args, first.args)
	}
}

// TestFlushHurries: who waits for settlements has no pause kept between attempts.
func TestFlushHurries(t *testing.T) {
	st := idle()
	st.add(entry{})
	ctx, cancel := contextThatEnds()
	defer cancel()
	if err := st.flush(ctx); err == nil || len(st.hurry) != 1 {
		t.Errorf("flush: %v, and hurried: %v", err, len(st.hurry) == 1)
	}
}
