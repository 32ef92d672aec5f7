package proxy

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// resolve reads the body and finds the model that it is for.
func (x *exchange) resolve() error {
	if err := x.read(); err != nil {
		return err
	}
	if err := x.coverNames(); err != nil {
		return err
	}
	defer x.uncoverNames()
	for {
		x.served = x.h.Catalog()
		if err := x.parse(); err != nil {
			return err
		}
		m, ok := x.served.Find(x.request.Model)
		if !ok {
			// Whoever may not use the name is not told that there is no such model.
			return cmp.Or(x.mayUse(x.request.Model), error(failure.NoModel(x.request.Model)))
		}
		if err := x.mayUse(m.Name); err != nil {
			return err
		}
		if m.Hold() {
			x.attemptOn(m)
			return nil
		}
		// The catalog has been replaced by now.
	}
}

// parse reads the request out of the body. What is passed on of members that are not known
// depends on the model, which the body may name behind them.
func (x *exchange) parse() (err error) {
	o := request.Options{PathModel: x.r.PathValue("model"), Models: (*modelRules)(x)}
	x.request, err = request.Parse(x.endpoint, x.body, o)
	if err == nil && x.request.Model == "" {
		return failure.InvalidRequest("model",
			"model is missing: name one in the body or in the path")
	}
	if err == nil && x.request.Dropped != "" {
		x.tellDropped()
	}
	return err
}

// modelRules is an exchange, as what knows the rules for the bodies of the models that its
// principal may use.
type modelRules exchange

// FieldRules implements request.ModelRules.
func (r *modelRules) FieldRules(model string) request.FieldRules {
	m, ok := r.served.Find(model)
	if !ok || !r.principal.Reach.AllowsModel(m.Name) {
		return request.FieldRules{}
	}
	return request.FieldRules{Allow: m.AllowFields, RefuseUnknown: m.RefuseUnknown}
}

// droppedHeader names the members of the body that are not passed on.
const droppedHeader = "X-Dropped-Fields"

// tellDropped tells which members are not passed on, whatever the answer will be.
func (x *exchange) tellDropped() {
	x.w.Header()[droppedHeader] = []string{x.request.Dropped}
	if x.explains {
		x.h.Log.Debug("members of the body are not passed on",
			"id", x.id, "fields", x.request.Dropped)
	}
}

// read reads the body, within its bounds of size and of the time that the server
// gives it.
func (x *exchange) read() error {
	if err := checkContent(x.r.Header); err != nil {
		return err
	}
	most := x.h.MaxBodyBytes
	if x.r.ContentLength > most {
		x.closeConnection()
		return failure.BodyTooLarge(most)
	}
	if !x.coverOwn() {
		x.closeConnection()
		return failure.OverCapacity(bytesWait)
	}
	body := x.r.Body // no longer than its length says
	if x.r.ContentLength < 0 {
		body = http.MaxBytesReader(x.w, body, most)
	}
	x.share.Wait(x.begun)
	err := x.readAll(body)
	x.share.Resume()
	if err == nil && !x.coverCopy() {
		err = errNoRoom
	}
	if err == nil {
		// From now on the server only waits for the client to leave. A
		// connection that cannot have deadlines is one that a test made up.
		_ = x.control.SetReadDeadline(time.Time{})
		return nil
	}
	x.closeConnection()
	var tooLarge *http.MaxBytesError
	switch {
	case err == errNoRoom, x.share.WasCut():
		return failure.OverCapacity(bytesWait)
	case errors.As(err, &tooLarge):
		return failure.BodyTooLarge(most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failure.BodyTimeout(x.h.BodyTimeout)
	}
	return failure.InvalidRequest("",
		"the body could not be read: it ended early, or its framing is wrong")
}

// readAll reads body into x.body, to its end, so that the server notices from
// then on when the client leaves.
func (x *exchange) readAll(body io.Reader) error {
	noted := 0 // of what has come
	for {
		if len(x.body) == cap(x.body) && !x.growBody(growth(len(x.body), x.r.ContentLength)) {
			return errNoRoom
		}
		n, err := body.Read(x.body[len(x.body):cap(x.body)])
		x.body = x.body[:len(x.body)+n]
		if len(x.body)-noted >= pieceBytes {
			noted = len(x.body)
			x.share.Wait(time.Now()) // it is not slow
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// firstGrowth is how much room is made at once for a body of which nothing has
// come.
const firstGrowth = 64 << 10

// growth returns how much room to make for a body of the declared length (-1:
// none is declared) of which so many bytes have come. A length that was only
// declared takes no memory; with one that is true, room is made for the last
// byte and one more, which the end is found with.
func growth(have int, declared int64) int {
	if declared < 0 {
		return max(512, have)
	}
	return min(max(firstGrowth, have), max(512, int(declared)+1-have))
}

// checkContent refuses what is not plain JSON by its headers. A type that is
// not told is taken to be JSON.
func checkContent(h http.Header) error {
	encoding := header(h, "Content-Encoding")
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return failure.MediaType("the body is encoded (Content-Encoding); send it as it is")
	}
	if n := len(h["Content-Type"]); n > 1 {
		return failure.InvalidRequest("", "there are %d header fields Content-Type: send one", n)
	}
	declared := header(h, "Content-Type")
	if declared == "" || declared == "application/json" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(declared)
	if err != nil || media != "application/json" {
		return failure.MediaType("the Content-Type must be application/json")
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8": // the last is no name of it, and what many call it
	default:
		return failure.MediaType("the charset must be utf-8")
	}
	return nil
}
