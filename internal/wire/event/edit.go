package event

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// edit replaces some bytes of an event's data.
type edit struct {
	at   jsonscan.Extent
	with []byte
}

// Edits are changes of one event's data, in the order of their places. There are never more than
// one to the usage and one to the model's name.
type Edits struct {
	list [2]edit
	n    int
}

// Replace adds a change. The places of two changes do not overlap.
func (e *Edits) Replace(at jsonscan.Extent, with []byte) {
	i := e.n
	if i > 0 && e.list[0].at.Start > at.Start {
		e.list[1] = e.list[0]
		i = 0
	}
	e.list[i] = edit{at, with}
	e.n++
}

// All yields the changes in the order of their places.
func (e *Edits) All(yield func(at jsonscan.Extent, with []byte) bool) {
	for _, ed := range e.list[:e.n] {
		if !yield(ed.at, ed.with) {
			return
		}
	}
}

// Apply appends the event's bytes with the changes made. Where a change spans lines of data, what
// is between them goes as well.
func (e *Edits) Apply(dst []byte, ev *sse.Event) []byte {
	from := 0
	for _, ed := range e.list[:e.n] {
		dst = append(dst, ev.Raw[from:ev.RawAt(ed.at.Start)]...)
		dst = append(dst, ed.with...)
		from = ev.RawAt(ed.at.End)
	}
	return append(dst, ev.Raw[from:]...)
}
