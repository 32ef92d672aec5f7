package proxy

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
)

// errCutShort ends an answer whose end the model server did not send.
var errCutShort = errors.New("the model server's answer ended early")

// passing is an answer that is passed on as it comes, as fast as the client reads.
type passing struct {
	passage   *answer.Passage
	pieces    [][]byte  // of x.answer and behind, that are not written yet
	behind    []byte    // what has come behind a piece that was full
	fitted    bool      // x.answer is of the size for pieces, as far as there is room
	till      time.Time // when it has to be over; zero: whenever
	writeTill time.Time // the deadline of writes, as last set
}

// passAnswer passes on an answer that is too large to be held, or that there is no room
// for, of which x.answer has come. The model server waits for the client, and the
// running slot is held for as long as that takes: no longer than another
// response-timeout, and for no piece longer than idle-timeout.
//
// What it has cost is settled before its last bytes are written. An answer that has
// begun cannot become an error any more: if it ends early, the connection is broken
// off, so that it does not look complete.
func (x *exchange) passAnswer() error {
	if coding := contentCoding(x.response.Header); coding != "" {
		return x.brokenAnswer(&codingError{coding: coding}) // decoded it might be of any size
	}
	s := x.newPassing()
	defer x.control.SetWriteDeadline(time.Time{}) // the connection may serve more requests
	var err error
	if len(x.answer) == 0 {
		err = x.readPiece(s)
	}
	for err == nil {
		s.pieces = s.passage.Pass(s.pieces, x.answer)
		x.answer, err = s.readBehind(x.response.Body, x.answer, x.response.ContentLength)
		if err != nil {
			break
		}
		if !x.writePiece(s) {
			return x.passingLeft(s)
		}
		s.pieces, s.behind = s.pieces[:0], s.behind[:0]
		err = x.readPiece(s)
	}
	return x.passingEnded(s, err)
}

// newPassing begins to pass on. How long the client takes says nothing about the model
// server, which has answered.
func (x *exchange) newPassing() *passing {
	s := &passing{behind: make([]byte, 0, behindBytes)}
	s.passage = answer.NewPassage(x.endpoint, x.model.PublicName())
	now := time.Now()
	x.took = now.Sub(x.sent)
	if x.model.ResponseTimeout > 0 {
		s.till = now.Add(x.model.ResponseTimeout)
	}
	return s
}

// readPiece reads what has come of the answer, or waits for something.
func (x *exchange) readPiece(s *passing) error {
	if !s.fitted {
		s.fitted = true
		x.fitPiece()
	}
	n, err := x.response.Body.Read(x.answer[:cap(x.answer)])
	x.answer = x.answer[:n]
	return err
}

// fitPiece gives x.answer, of which nothing is needed any more, the size of a piece, or
// the least where there is no room for that.
func (x *exchange) fitPiece() {
	if cap(x.answer) > pieceBytes {
		x.letGo()
	}
	switch {
	case cap(x.answer) == pieceBytes:
	case x.covers(pieceBytes):
		x.answer = make([]byte, 0, pieceBytes)
	case cap(x.answer) < spareBytes:
		x.answer = make([]byte, 0, spareBytes)
	}
}

// behindBytes is how much is read behind a piece that is full and seems to be the last.
const behindBytes = 64

// readBehind looks for the end of body, an answer of the length (-1: it is not known), where
// what has come with the piece may be all of it, so that it is settled before the last bytes
// are written. It returns the piece with what was behind it, as far as it has room; io.EOF
// is the end.
func (s *passing) readBehind(body io.Reader, piece []byte, length int64) ([]byte, error) {
	for s.passage.Whole() || s.passage.Bytes() == length {
		into := &piece
		if len(piece) == cap(piece) {
			into = &s.behind
		}
		if len(*into) == cap(*into) {
			break // white space without end
		}
		had := len(*into)
		n, err := body.Read((*into)[had:cap(*into)])
		*into = (*into)[:had+n]
		s.pieces = s.passage.Pass(s.pieces, (*into)[had:])
		if err != nil {
			return piece, err
		}
	}
	return piece, nil
}

// writePiece writes what is to be passed on now, and reports whether the client is
// there.
func (x *exchange) writePiece(s *passing) bool {
	if x.status == 0 {
		x.writePassingHeader()
	}
	for _, b := range s.pieces {
		for piece := range slices.Chunk(b, pieceBytes) {
			if x.awaitClient(s, func() error { _, err := x.w.Write(piece); return err }) != nil {
				return false
			}
		}
	}
	return x.response.Body.Ready() || x.awaitClient(s, x.control.Flush) == nil
}

// writePassingHeader tells the length where that is known.
func (x *exchange) writePassingHeader() {
	h := x.w.Header()
	copyHeader(h, x.response.Header)
	defaultType(h)
	if n := x.response.ContentLength; n >= 0 && x.model.PublicName() == "" {
		h["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	}
	x.status = x.response.Status
	x.w.WriteHeader(x.status)
}

// awaitClient does what may have to wait for the client. The time that it takes is not
// the model server's.
func (x *exchange) awaitClient(s *passing, do func() error) error {
	now := time.Now()
	x.extendWrites(&s.writeTill, s.till, now)
	x.share.Wait(now)
	err := do()
	x.share.Resume()
	x.response.Body.Delay(time.Since(now))
	return err
}

// extendWrites moves the deadline of writes on, seldom enough to cost nothing, but not
// beyond the end of all; the zero time is no end. set is the deadline as last set.
func (x *exchange) extendWrites(set *time.Time, end, now time.Time) {
	patience, next := x.model.IdleTimeout, end
	if patience > 0 && (next.IsZero() || now.Add(patience).Before(next)) {
		next = now.Add(patience)
	}
	if next.Sub(*set) <= patience/8 {
		return
	}
	*set = next
	// A connection that cannot have deadlines is one that a test made up.
	_ = x.control.SetWriteDeadline(next)
}

// passingEnded ends an answer of which no more comes, with what of it is not written
// yet.
func (x *exchange) passingEnded(s *passing, err error) error {
	if err == io.EOF && !s.passage.CutShort() {
		cost := x.passed(s)
		cost.Complete = true
		x.ticket.Settle(cost)
		x.took = time.Since(x.sent)
		if !x.writePiece(s) {
			x.breakOff(x.whyLeft())
		}
		return nil
	}
	if x.left() {
		return x.passingLeft(s)
	}
	if err == io.EOF {
		x.response.Body.Blame()
		err = errCutShort
	}
	x.response.Body.Abandon()
	x.ticket.Settle(x.passedPart(s))
	x.took = time.Since(x.sent)
	broken := x.failed(finishing, err)
	if x.status != 0 {
		x.breakOff(broken)
	}
	return broken
}

// passingLeft settles what an answer has cost whose client is gone. The model server
// may have told its usage in what was on its way. It has generated all of an answer
// that it sends, so that its end is not waited for.
func (x *exchange) passingLeft(s *passing) error {
	x.answer = nil
	x.share.Shrink(x.bytesHeld())
	x.response.Body.Part()
	for read := 0; read < wholeBytesMax; {
		if a := s.passage.Answer(); a.HasUsage() {
			break
		}
		b, err := x.response.Body.Next()
		if err != nil {
			break
		}
		read += len(b)
		s.pieces = s.passage.Pass(s.pieces[:0], b)
	}
	_ = x.response.Body.Close()
	x.ticket.Settle(x.passedPart(s))
	x.took = time.Since(x.sent)
	x.breakOff(x.whyLeft())
	return nil
}

// passed returns the cost of an answer as far as it has come.
func (x *exchange) passed(s *passing) admission.Cost {
	a := s.passage.Answer()
	c := x.ticket.Told(&a, s.passage.Bytes(), x.took, s.passage.Text)
	c.Complete = false
	return c
}

// passedPart returns the cost of an answer that was not passed on to its end: its usage,
// where that was told, or an estimate of what was generated, by the text of it and by
// the time until it began.
func (x *exchange) passedPart(s *passing) admission.Cost {
	if a := s.passage.Answer(); a.HasUsage() {
		return x.passed(s)
	}
	return x.ticket.CutShort(s.passage.Text(), x.took)
}

// breakOff breaks the connection off in the midst of an answer, which has been settled: it
// does not return.
func (x *exchange) breakOff(why error) {
	x.err = why
	panic(http.ErrAbortHandler)
}
