package mockvllm

import (
	"context"
	"encoding/json"
	"io"
	"sync"
)

// Ledger keeps the books of one or more servers: what each request really
// spent. It is append-only. The zero value is ready; its fields are set before
// use. Safe for concurrent use.
type Ledger struct {
	// Writer, if set, gets each entry as one line of JSON when it ends.
	Writer io.Writer
	// Keep, if positive, is the number of ended entries held for [Ledger.Entry]
	// and [Ledger.Entries]; older ones remain in the sums only. 0 keeps all.
	Keep int

	mu       sync.Mutex // guards the records as well
	seq      int64
	records  []*record            // oldest first
	byID     map[string][]*record // oldest first
	running  map[*record]struct{}
	ended    map[account]Total
	flights  map[string]flight
	idle     chan struct{} // closed when nothing runs; nil when nobody waits
	writeErr error
}

type account struct{ model, user string }

// flight is the gauge of a model's requests in flight.
type flight struct{ now, max int }

// Entries returns a copy of all entries in the order of arrival, running ones
// as they stand.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return snapshots(l.records)
}

// Entry returns the last entry of a request id, and whether there is one.
func (l *Ledger) Entry(id string) (Entry, bool) {
	attempts := l.Attempts(id)
	if len(attempts) == 0 {
		return Entry{}, false
	}
	return attempts[len(attempts)-1], true
}

// Attempts returns all entries of a request id: one per attempt.
func (l *Ledger) Attempts(id string) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return snapshots(l.byID[id])
}

// Sum adds up the entries of a model and user, running ones as they stand. An
// empty model or user stands for all.
func (l *Ledger) Sum(model, user string) Total {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum Total
	matches := func(a account) bool {
		return (model == "" || model == a.model) && (user == "" || user == a.user)
	}
	for a, t := range l.ended {
		if matches(a) {
			sum.add(t)
		}
	}
	for r := range l.running {
		if e := &r.entry; matches(account{e.Model, e.User}) {
			sum.add(e.total())
		}
	}
	return sum
}

// InFlight returns the number of requests of a model that are in flight: taken
// up or queued, and not yet about to send their last bytes.
func (l *Ledger) InFlight(model string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flights[model].now
}

// MaxRunning returns the largest number of requests of a model that were ever
// in flight at once. A request leaves before its last bytes do, so whoever
// starts the next one only after reading them is never seen twice; one that
// was cancelled leaves when that is noticed.
func (l *Ledger) MaxRunning(model string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flights[model].max
}

// Quiesce waits until no request is running and returns the error of ctx if
// that comes first. A request that has not reached the server yet is not seen.
func (l *Ledger) Quiesce(ctx context.Context) error {
	for {
		l.mu.Lock()
		if len(l.running) == 0 {
			l.mu.Unlock()
			return nil
		}
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle := l.idle
		l.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Err returns the first error of [Ledger.Writer].
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writeErr
}

// open starts an entry.
func (l *Ledger) open(e Entry) *record {
	r := &record{ledger: l, entry: e}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = make(map[string][]*record)
		l.running = make(map[*record]struct{})
		l.ended = make(map[account]Total)
		l.flights = make(map[string]flight)
	}
	l.seq++
	r.entry.Seq = l.seq
	r.entry.Outcome = Running
	r.entry.Attempt = len(l.byID[e.ID]) + 1
	l.records = append(l.records, r)
	l.byID[e.ID] = append(l.byID[e.ID], r)
	l.running[r] = struct{}{}
	return r
}

// close books an entry that has ended. The lock is held.
func (l *Ledger) close(r *record) {
	e := &r.entry
	delete(l.running, r)
	if e.InFlight > 0 {
		f := l.flights[e.Model]
		f.now--
		l.flights[e.Model] = f
	}
	a := account{e.Model, e.User}
	sum := l.ended[a]
	sum.add(e.total())
	l.ended[a] = sum
	l.write(e)
	l.forget()
	if len(l.running) == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// write writes an entry that has ended. The lock is held, so that lines never mix.
func (l *Ledger) write(e *Entry) {
	if l.Writer == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = l.Writer.Write(append(line, '\n'))
	}
	if l.writeErr == nil {
		l.writeErr = err
	}
}

// forget drops the oldest ended entries beyond Keep. It waits until twice as
// many are held, which makes it cheap.
func (l *Ledger) forget() {
	if l.Keep <= 0 || len(l.records)-len(l.running) < 2*l.Keep {
		return
	}
	drop := len(l.records) - len(l.running) - l.Keep
	kept := make([]*record, 0, len(l.records)-drop)
	for _, r := range l.records {
		if _, running := l.running[r]; running || drop == 0 {
			kept = append(kept, r)
			continue
		}
		drop--
		// Entries of one id are in the order of arrival here as well.
		if attempts := l.byID[r.entry.ID]; len(attempts) > 1 {
			l.byID[r.entry.ID] = attempts[1:]
		} else {
			delete(l.byID, r.entry.ID)
		}
	}
	l.records = kept
}
