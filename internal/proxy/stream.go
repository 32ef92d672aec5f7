package proxy

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// flushBytes is how much of a stream may be gathered from events that have come
// in together before it is written.
const flushBytes = 16 << 10

// streamed is what is known of a stream on its way.
type streamed struct {
	writeTill time.Time // the deadline of writes, as last set
	concluded bool      // the answer has come to its end, and is settled
}

// relayStream passes on a stream of events, each as soon as it is there.
//
// What it calls that needs room on the stack of its own has it in a function
// of its own: net/http writes the header of an answer so deep that a few
// hundred bytes more here would double the stack of every stream.
func (x *exchange) relayStream() error {
	x.beginStream()
	var s streamed
	x.ticket.Streaming()
	defer x.control.SetWriteDeadline(time.Time{}) // the connection may serve more requests
	x.answer = x.answer[:0]
	for {
		begin := len(x.answer)
		if err := x.nextEvent(); err != nil {
			return x.streamEnded(&s, err)
		}
		if x.left() {
			return x.clientLeft()
		}
		if err := x.failedAtOnce(); err != nil {
			return err
		}
		x.arrived()
		if !x.ticket.Backed(x.ctx, &x.stream, x.pace) {
			if x.left() {
				return x.clientLeft()
			}
			x.answer = x.answer[:begin]
			x.stream.Withhold()
			return x.stop(&s)
		}
		if x.stream.Ended() {
			x.conclude(&s) // who has read the last event finds it settled
			return x.endStream(&s)
		}
		if len(x.answer) < flushBytes && x.scanner.More() && x.mayGather() {
			continue
		}
		if !x.flush(&s, x.pace.Last) {
			return x.clientLeft()
		}
	}
}

// endPatience is how long a model server has for the end of the body after the event
// that ends the stream. It sends both together; its connection is of further use then.
const endPatience = 250 * time.Millisecond

// endStream ends a stream whose last event has come. What comes after that is none of
// the answer: it is neither relayed nor waited for, but for a [DONE] behind another end.
func (x *exchange) endStream(s *streamed) error {
	if !x.stream.Complete() { // it has failed, by its own words
		return x.streamEnded(s, io.EOF)
	}
	x.response.Body.Conclude(endPatience)
	for {
		if !x.flush(s, x.pace.Last) {
			return x.clientLeft()
		}
		if err := x.nextEvent(); err != nil {
			return nil
		}
		if x.stream.Beyond() {
			_ = x.response.Body.Close()
			return nil
		}
	}
}

// beginStream prepares the readers of the stream.
func (x *exchange) beginStream() {
	x.response.Body.CountEvents()
	x.scanner.Reset(x.response.Body)
	x.stream.Reset(x.endpoint, answer.StreamOptions{
		IncludeUsage: x.request.IncludeUsage, ContinuousUsage: x.request.ContinuousUsage,
		PublicModel: x.model.PublicName(), Choices: x.request.Choices, Prompts: x.request.Prompts,
	})
}

// nextEvent waits for an event, and gathers what the client gets of it.
func (x *exchange) nextEvent() error {
	ev, err := x.scanner.Next()
	if err != nil {
		return err
	}
	x.answer = x.stream.Event(x.answer, ev)
	if x.stream.Heard() {
		x.response.Body.Event()
	}
	return nil
}

// arrived notes the time of an event. Roles, openings and comments are not the
// first token, which has text or a usage that tells of it.
func (x *exchange) arrived() {
	x.pace.Last = time.Now()
	if x.pace.First.IsZero() {
		if u, _ := x.stream.Usage(); u.Output > 0 || x.stream.OutputText().Bytes() > 0 {
			x.pace.First = x.pace.Last
		}
	}
}

// failedAtOnce turns a stream whose first event is an error into an answer with
// the status that the model server means.
func (x *exchange) failedAtOnce() error {
	if x.status != 0 {
		return nil
	}
	said, failed := x.stream.Failure()
	if !failed || !said.First {
		return nil
	}
	x.took = time.Since(x.sent)
	if said.Blames() {
		x.response.Body.Blame()
	}
	x.response.Body.Abandon()
	x.ticket.Settle(admission.RequestOnly(true))
	return saidInStream(said)
}

// flush writes what has been gathered, and reports whether the client is there.
// A client that does not read for as long as a stream may be idle, from now on, is
// not.
func (x *exchange) flush(s *streamed, now time.Time) bool {
	if len(x.answer) == 0 {
		return true
	}
	if x.status == 0 {
		x.writeStreamHeader()
	}
	x.extendWrites(&s.writeTill, time.Time{}, now)
	x.share.Wait(now)
	_, err := x.w.Write(x.answer)
	if err == nil {
		err = x.control.Flush()
	}
	x.share.Resume()
	x.letGo()
	return err == nil
}

func (x *exchange) writeStreamHeader() {
	h := x.w.Header()
	copyHeader(h, x.response.Header)
	h["X-Accel-Buffering"] = []string{"no"} // nginx would gather events otherwise
	x.status = http.StatusOK
	x.w.WriteHeader(x.status)
}

// conclude settles what a stream has cost that has come to its end.
func (x *exchange) conclude(s *streamed) {
	if s.concluded || !x.stream.Complete() {
		return
	}
	s.concluded = true
	cost := x.partial()
	cost.Complete = true
	x.noteSilence()
	x.ticket.Settle(cost)
}

// streamEnded ends a stream of which no more comes. What it has cost is settled,
// and a client of one that broke off is told. A connection that breaks behind the
// last event takes nothing away.
func (x *exchange) streamEnded(s *streamed, err error) error {
	if err == io.EOF {
		x.conclude(s)
	}
	if s.concluded {
		x.flush(s, time.Now())
		return nil
	}
	x.ticket.Settle(x.partial())
	if x.left() {
		return context.Canceled
	}
	broken := x.brokenStream(err)
	if err != sse.ErrNoRoom {
		x.response.Body.Blame()
	}
	if x.status == 0 && len(x.answer) == 0 {
		return broken
	}
	x.answer = x.stream.AppendError(x.answer, reply.BodyOf(broken))
	x.flush(s, time.Now())
	return broken
}

// stop ends a stream that its limits have no more room for, properly, as if it
// had reached its own maximum of tokens. What the model server has generated
// beyond it is not charged: debt has its bounds, and nobody got that.
func (x *exchange) stop(s *streamed) error {
	if !x.flush(s, time.Now()) {
		return x.clientLeft()
	}
	x.response.Body.Abandon() // the model server stops at once
	cost := x.partial()
	cost.Stopped = true
	granted := x.ticket.Granted()
	x.ticket.Settle(cost)
	u, _ := x.stream.Usage()
	x.answer = x.stream.AppendFinish(x.answer, wire.Usage{
		Input: u.Input, Output: min(u.Output, granted.Output), Cached: u.Cached,
	})
	x.flush(s, time.Now())
	return nil
}

// clientLeft settles what a stream has cost whose client is gone.
func (x *exchange) clientLeft() error {
	x.letGo()
	x.tail()
	x.ticket.Settle(x.partial())
	return x.whyLeft()
}

// tail stops the model server, and meters what it sends until it has. Where the
// client was slow many events may have been on their way. Nobody gets them, and
// who has asked for them is charged all the same.
func (x *exchange) tail() {
	x.response.Body.Part()
	for {
		ev, err := x.scanner.Next()
		if err != nil {
			break
		}
		x.answer = x.stream.Event(x.answer[:0], ev)[:0]
		x.stream.Withhold()
	}
	x.response.Body.Abandon()
}

// partial returns the cost of the stream up to now.
func (x *exchange) partial() admission.Cost {
	now := time.Now()
	x.took = now.Sub(x.sent)
	return x.ticket.Partial(&x.stream, now)
}
