package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// eventEdit replaces a part of an event's data.
type eventEdit struct {
	at   jsonscan.Extent
	with []byte
}

// eventEdits are changes of one event's data, in the order of their places.
// There are never more than one to the usage and one to the model's name.
type eventEdits struct {
	list [2]eventEdit
	n    int
}

// replace adds a change. The parts of two changes do not overlap.
func (e *eventEdits) replace(at jsonscan.Extent, with []byte) {
	i := e.n
	if i > 0 && e.list[0].at.Start > at.Start {
		e.list[1] = e.list[0]
		i = 0
	}
	e.list[i] = eventEdit{at, with}
	e.n++
}

// apply appends the event's bytes with the changes made. Where a change spans
// lines of data, what is between them goes as well.
func (e *eventEdits) apply(dst []byte, ev *sse.Event) []byte {
	from := 0
	for _, ed := range e.list[:e.n] {
		dst = append(dst, ev.Raw[from:ev.RawAt(ed.at.Start)]...)
		dst = append(dst, ed.with...)
		from = ev.RawAt(ed.at.End)
	}
	return append(dst, ev.Raw[from:]...)
}
