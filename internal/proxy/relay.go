package proxy

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// wholeBytesMax is how much of an answer that is not streamed is held until it has
// come to its end. Larger ones are passed on as they come.
const wholeBytesMax = 1 << 20

// pieceBytes is how much of an answer is written at once, within the server's
// patience with a client that reads slowly.
const pieceBytes = 64 << 10

// relay passes the answer on.
func (x *exchange) relay() error {
	// A running slot is given back when the model server has stopped.
	defer x.response.Body.Abandon()
	x.dropBody()
	if x.request.Stream && isEventStream(x.response.Header) {
		if coding := contentCoding(x.response.Header); coding != "" {
			return x.brokenAnswer(&codingError{coding: coding})
		}
		return x.relayStream()
	}
	return x.relayAnswer()
}

func isEventStream(h upstream.Header) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/event-stream")
}

// relayAnswer passes on an answer that is one JSON object. It is read whole
// first, because its usage stands at its end and a broken one must not look
// complete, unless it is too large for that.
func (x *exchange) relayAnswer() error {
	whole, err := x.readAnswer()
	if err == nil && !whole {
		return x.passAnswer()
	}
	x.took = time.Since(x.sent)
	if err == nil {
		err = x.decode()
	}
	if err == nil && x.response.Body.EndsWithConnection() && !answer.IsWhole(x.answer) {
		err = errCutShort
	}
	if err != nil {
		return x.brokenAnswer(err)
	}
	a := answer.Read(x.answer)
	if !a.HasUsage() && x.left() {
		return x.unheard()
	}
	x.ticket.Settle(x.whole(&a))
	copyHeader(x.w.Header(), x.response.Header)
	if name := x.model.PublicName(); name != "" {
		x.write(x.response.Status, a.AppendPieces(nil, x.answer, name)...)
		return nil
	}
	x.write(x.response.Status, x.answer)
	return nil
}

// readAnswer reads the answer into x.answer. It reports whether that is all of it: it
// is not where the answer is too large to be held, or there is no room for it.
func (x *exchange) readAnswer() (whole bool, err error) {
	x.answer = x.answer[:0]
	length := x.response.ContentLength
	if length > wholeBytesMax {
		return false, nil
	}
	for x.roomForView() || x.growAnswer(length) {
		b, err := x.response.Body.Next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		x.answer = append(x.answer, b...)
	}
	return false, nil
}

// viewBytes is the most that Next shows of an answer at once.
const viewBytes = 4 << 10

// roomForView reports whether what Next shows fits without growing.
func (x *exchange) roomForView() bool {
	return len(x.answer)+viewBytes <= cap(x.answer) && len(x.answer) <= wholeBytesMax
}

// growAnswer makes room for what comes next of an answer of the length, -1: it is not
// known. It reports whether there is, and the answer may be held as far as it has come.
func (x *exchange) growAnswer(length int64) bool {
	have, next := len(x.answer), viewBytes
	if length >= 0 {
		next = min(next, int(length)-have)
	}
	if have+next <= cap(x.answer) {
		return true
	}
	if have > wholeBytesMax {
		return false
	}
	size := max(have+next, min(2*have, wholeBytesMax+viewBytes))
	if length >= 0 {
		size = int(length)
	}
	if !x.covers(size) {
		return false
	}
	x.answer = resized(x.answer, size)
	return true
}

// brokenAnswer returns what to tell the client of an answer that did not come
// to its end, and notes what it has cost.
func (x *exchange) brokenAnswer(err error) error {
	left := x.left()
	if !left {
		x.response.Body.Blame() // where the connection has broken, that has been judged
	}
	x.response.Body.Abandon()
	x.settleAbandoned()
	if left {
		return context.Canceled
	}
	return x.failed(finishing, err)
}

// whole returns the cost of an answer that is one JSON object, in x.answer.
func (x *exchange) whole(a *answer.Answer) admission.Cost {
	text := func() chars.Text { return answer.Text(x.endpoint, x.answer) }
	return x.ticket.Told(a, int64(len(x.answer)), x.took, text)
}

// write writes an answer whole, which has been settled: a client who does not read lets it
// wait. The answer may be in pieces.
func (x *exchange) write(status int, body ...[]byte) {
	n := 0
	for _, b := range body {
		n += len(b)
	}
	h := x.w.Header()
	defaultType(h)
	h["Content-Length"] = []string{strconv.Itoa(n)}
	x.status = status
	x.w.WriteHeader(status)
	for _, rest := range body {
		for len(rest) > 0 { // in pieces, each with the server's patience
			piece := rest[:min(len(rest), pieceBytes)]
			rest = rest[len(piece):]
			if n > viewBytes { // less does not have to wait
				x.share.Wait(time.Now())
			}
			_, err := x.w.Write(piece)
			x.share.Resume()
			if err != nil { // the client has left; what it has cost is the same
				if x.share.WasCut() {
					x.err = failure.CutOff()
				}
				return
			}
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
