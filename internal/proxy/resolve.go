package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// resolve reads the body and finds the model that it is for.
func (x *exchange) resolve() error {
	if err := x.read(); err != nil {
		return err
	}
	if hasManyNames(x.body) {
		x.h.parsing.Lock()
		defer x.h.parsing.Unlock()
	}
	for {
		served := x.h.Catalog()
		if err := x.parse(served); err != nil {
			return err
		}
		m, ok := served.Find(x.request.Model)
		if !ok {
			return openai.ModelNotFound(x.request.Model)
		}
		if m.Hold() {
			x.model = m
			return nil
		}
		// The catalog has been replaced by now.
	}
}

// parse reads the request out of the body. Which members are held back depends
// on the model, which the body may name behind them: where one is in the way,
// the body is read again once its model is known.
func (x *exchange) parse(served *catalog.Catalog) error {
	o := openai.ParseOptions{PathModel: x.r.PathValue("model")}
	if m, ok := served.Find(o.PathModel); ok {
		o.AllowFields = m.AllowFields
	}
	err := x.parseAs(o)
	if err != nil && o.PathModel == "" && heldBack(err) {
		held := err
		o.AllowFields = openai.HeldBackFields()
		if err = x.parseAs(o); err != nil {
			return err
		}
		m, ok := served.Find(x.request.Model)
		if !ok {
			return held
		}
		o.AllowFields = m.AllowFields
		err = x.parseAs(o)
	}
	if err == nil && x.request.Model == "" {
		return openai.InvalidRequest("model", "model is missing: name one in the body or in the path")
	}
	return err
}

func (x *exchange) parseAs(o openai.ParseOptions) (err error) {
	x.request, err = openai.ParseRequest(x.endpoint, x.body, o)
	return err
}

// heldBack reports whether err is about a member that a model may allow.
func heldBack(err error) bool {
	var e *openai.Error
	return errors.As(err, &e) && slices.Contains(openai.HeldBackFields(), e.Param)
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
		return openai.BodyTooLarge(most)
	}
	if !x.coverOwn() {
		x.closeConnection()
		return openai.OverCapacity(bytesWait)
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
		return openai.OverCapacity(bytesWait)
	case errors.As(err, &tooLarge):
		return openai.BodyTooLarge(most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return openai.BodyTimeout(x.h.BodyTimeout)
	}
	return openai.InvalidRequest("", "the body could not be read: it ended early, or its framing is wrong")
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
	if encoding := header(h, "Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return openai.UnsupportedMediaType("the body is encoded (Content-Encoding); send it as it is")
	}
	declared := header(h, "Content-Type")
	if declared == "" || declared == "application/json" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(declared)
	if err != nil || media != "application/json" {
		return openai.UnsupportedMediaType("the Content-Type must be application/json")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return openai.UnsupportedMediaType("the charset must be utf-8")
	}
	return nil
}
