package proxy

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// answerBytesMax bounds an answer that is not streamed. The largest that model
// servers give are embeddings of long lists.
const answerBytesMax = 256 << 20

// pieceBytes is how much of an answer is written at once, within the server's
// patience with a client that reads slowly.
const pieceBytes = 1 << 20

// relay passes the answer on.
func (x *exchange) relay() error {
	if x.status != 0 {
		return nil // the model server refused, and the client knows
	}
	// A running slot is given back when the model server has stopped.
	defer x.response.Body.Abandon()
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
// complete.
func (x *exchange) relayAnswer() error {
	err := x.readAnswer()
	x.away = time.Since(x.sent)
	if err == nil {
		err = x.decode()
	}
	if err == nil && x.response.Body.EndsWithConnection() && !openai.IsWhole(x.answer) {
		err = errCutOff
	}
	if err != nil {
		return x.brokenAnswer(err)
	}
	a := openai.ReadAnswer(x.answer)
	if !a.HasUsage() && x.left() {
		return x.unheard()
	}
	x.spent = x.whole(&a)
	body := x.answer
	if name := x.model.PublicName(); name != "" {
		x.patched = a.AppendBody(x.patched[:0], body, name)
		body = x.patched
	}
	copyHeader(x.w.Header(), x.response.Header)
	x.write(x.response.Status, body)
	return nil
}

var (
	errAnswerTooLarge = errors.New("the answer is too large")
	// errCutOff says that an answer has ended with its connection, and is not whole.
	errCutOff = errors.New("the answer is cut off")
)

// readAnswer reads the answer into x.answer.
func (x *exchange) readAnswer() error {
	x.answer = x.answer[:0]
	if n := x.response.ContentLength; n > answerBytesMax {
		return errAnswerTooLarge
	} else if n > 0 {
		x.answer = slices.Grow(x.answer, int(n))
	}
	for {
		b, err := x.response.Body.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(x.answer)+len(b) > answerBytesMax {
			return errAnswerTooLarge
		}
		x.answer = append(x.answer, b...)
	}
}

// brokenAnswer returns what to tell the client of an answer that did not come
// to its end, and notes what it has cost.
func (x *exchange) brokenAnswer(err error) error {
	x.away = time.Since(x.sent)
	x.spent = x.abandoned()
	if x.left() {
		return context.Canceled
	}
	if !errors.Is(err, errAnswerTooLarge) {
		x.response.Body.Blame() // where the connection has broken, that has been judged
	}
	return brokenOff(err)
}

// brokenOff returns what to tell the client of an answer whose reading ended
// with err.
func brokenOff(err error) *openai.Error {
	var e *upstream.Error
	if errors.As(err, &e) && e.Kind == upstream.Timeout {
		return openai.UpstreamTimeout("the model server did not finish its answer in time")
	}
	var c *codingError
	if errors.As(err, &c) {
		return openai.UpstreamError("%v", c)
	}
	return openai.UpstreamError("the model server's answer broke off, or is none")
}

// write settles and writes an answer whole, in this order: a client who does not read
// lets it wait.
func (x *exchange) write(status int, body []byte) {
	x.settle()
	h := x.w.Header()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = []string{"application/json"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.status = status
	x.w.WriteHeader(status)
	for piece := range slices.Chunk(body, pieceBytes) { // each with the server's patience
		if _, err := x.w.Write(piece); err != nil {
			return // the client has left; what it has cost is the same
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
