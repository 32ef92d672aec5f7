package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// TestLostTopUpIsCancelled loses the answer of a top-up, which may have been added to the
// record of those before it: it is undone exactly, whether it came before it was
// cancelled, comes later, or never, and whatever was charged after it.
func TestLostTopUpIsCancelled(t *testing.T) {
	const never, before, late = "never", "before", "late"
	for _, came := range []string{never, before, late} {
		for _, wait := range []time.Duration{0, 3 * time.Second} {
			for _, goesOn := range []bool{false, true} {
				t.Run(fmt.Sprint(came, " after ", wait, ", goes on: ", goesOn), func(t *testing.T) {
					clock := limittest.NewClock()
					s := open(t, Options{Now: clock.Now, Timeout: patient, replica: "me", heartbeat: -1})
					p := minute(t, 1000)
					topUp := func(g *limit.Grant, n int64) {
						t.Helper()
						if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: n}, limit.WithinDebt); err != nil || !got.Granted {
							t.Fatalf("TopUp: %+v, %v", got, err)
						}
					}
					other := mustReserve(t, s, p, "u", output(5)) // its charge must not be touched
					g := mustReserve(t, s, p, "u", output(100))
					clock.Advance(wait)
					topUp(g, 20)

					h, more := g.Account.(*holding), limit.Amount{Output: 30}
					n, into := s.pending.begin(), h.part()
					arrive := func() []int64 {
						t.Helper()
						reply, err := s.call(t.Context(), s.scripts.topUp, patient, h.model.keys(h.user), h.program.topUp(n, h.model.self(s), more, into, limit.WithinDebt))
						if err != nil {
							t.Fatal(err)
						}
						return reply
					}
					lost := int64(0)
					if came == before {
						if reply := arrive(); reply[4] != int64(into) {
							t.Fatalf("the top-up is in record %d, want %d", reply[4], into)
						}
						lost = 30
					}
					mustStand(t, s, p, "u", standing{0, 125 + lost, 2})
					h.doubtful = true
					if goesOn {
						topUp(g, 7) // before anything is known of the one before
						topUp(g, 1)
						mustStand(t, s, p, "u", standing{0, 133 + lost, 2})
						if len(h.charges) != 2 || h.part() != h.charges[1].number {
							t.Errorf("the top-ups after it are in %+v, want one record", h.charges)
						}
					}
					s.giveUp(h.model, entry{user: h.user, program: h.program, charges: []charge{{n, more}, {number: into}}}, &callError{"topup", errors.New("lost"), true, &s.options})
					mustFlush(t, s)
					want := int64(125)
					if goesOn {
						want = 133
					}
					mustStand(t, s, p, "u", standing{0, want, 2})
					if came == late {
						if reply := arrive(); reply[0] != verdictRefused {
							t.Errorf("the late top-up: %v, want refused", reply)
						}
					}
					topUp(g, 2)
					s.Settle(g, output(90))
					mustFlush(t, s)
					mustStand(t, s, p, "u", standing{90, 5, 1})
					s.Settle(other, output(5))
					mustFlush(t, s)
					mustStand(t, s, p, "u", standing{95, 0, 0})
					if st := s.Stats(); st.Lost != 0 || st.Missing != 0 || st.Cancelled != 1 {
						t.Errorf("the stats are %+v, want one cancelled and nothing lost or missing", st)
					}
				})
			}
		}
	}
}

// TestLongStreamsLikeMemory tops up outboxes over seconds and days, under limits that
// change meanwhile, and settles them with anything from nothing to more than they were
// granted: every answer is that of the store in memory, and no record grows with the
// number of top-ups.
func TestLongStreamsLikeMemory(t *testing.T) {
	longest := 0
	for seed := range uint64(6) {
		clock := limittest.NewClock()
		w := &twins{
			t: t, rand: rand.New(rand.NewPCG(seed, 20)), clock: clock,
			memory:   memory.New(memory.Options{Now: clock.Now}),
			redis:    open(t, Options{Now: clock.Now, Timeout: patient, replica: "me", heartbeat: -1}),
			policies: changingPolicies(t),
		}
		step := []int{300, 1500, 70_000, 1_000_000, 100_000, 5000}[seed]
		for range 250 {
			clock.Advance(time.Duration(w.rand.IntN(step)) * time.Millisecond)
			switch w.rand.IntN(10) {
			case 0:
				w.view()
			case 1:
				if len(w.open) < 4 {
					w.reserve()
				}
			default:
				w.topUp()
			}
		}
		for _, text := range records(t, shared, "me") {
			longest = max(longest, strings.Count(text, ";"))
		}
		for len(w.open) > 0 {
			w.settle()
			w.view()
		}
		if got := w.redis.(*Store).Stats(); got.Missing != 0 || got.Lost != 0 {
			t.Errorf("seed %d: %+v, want nothing missing or lost", seed, got)
		}
	}
	if longest < 20 || longest > 171+20 {
		t.Errorf("the longest record has %d charges, want some, and no more than there are slots", longest)
	}
}

// records returns those of a replica of the default model.
func records(t *testing.T, server *redistest.Server, id string) (texts []string) {
	t.Helper()
	h, err := server.Hash("token:concurrent:{llama2-7b}")
	if err != nil {
		t.Fatal(err)
	}
	for f, text := range h {
		if strings.HasPrefix(f, "g:"+id+":") {
			texts = append(texts, text)
		}
	}
	return texts
}

// TestBatchesAreBoundedByCharges: batches are bounded by the charges that their records have,
// not only by the requests that they settle.
func TestBatchesAreBoundedByCharges(t *testing.T) {
	st, program := idle(), newProgram(minute(t, 10))
	for i, work := range []int{1, 60, 67, 1, 500, 1, 128, 1} {
		st.entries = append(st.entries, entry{user: strconv.Itoa(i), program: program, work: work})
	}
	var sizes []int
	for len(st.entries) > 0 {
		sizes = append(sizes, st.next().size)
	}
	if fmt.Sprint(sizes) != "[3 1 1 1 1 1]" {
		t.Errorf("batches of %v entries", sizes)
	}
}

// TestRecordsAreFoldedAtTimes: a record whose older charges have become alike is folded once
// it has grown by a thousand bytes, and not with every charge, which would walk it each time.
func TestRecordsAreFoldedAtTimes(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, replica: "me", heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", limit.Amount{Input: 5, Output: 1, Requests: 1})
	grown, folded := 0, 0
	for range 150 {
		before := len(records(t, shared, "me")[0])
		clock.Advance(2 * time.Second) // another slot, 31 of which count
		if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 1}, limit.WithinDebt); err != nil || !got.Granted {
			t.Fatalf("TopUp: %+v, %v", got, err)
		}
		text := records(t, shared, "me")[0]
		if len(text) > before {
			grown++
			if len(text)/1000 > before/1000 {
				t.Errorf("a record of %d bytes has grown to %d", before, len(text))
			}
			continue
		}
		folded++
		if charges := strings.Count(text, ";"); charges != 32 { // all that has left is one
			t.Errorf("a record that was folded has %d charges, want 32", charges)
		}
	}
	if folded < 3 || grown < 10*folded {
		t.Errorf("of 150 top-ups %d have folded the record", folded)
	}
	s.Settle(g, limit.Amount{Input: 5, Output: 151, Requests: 1})
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{31, 0, 0})
	if h, err := shared.Hash("token:usage:{llama2-7b}:u"); err != nil || h["h:me"] != "" {
		t.Errorf("%q is held of nothing, %v", h["h:me"], err)
	}
}
