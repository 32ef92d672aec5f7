package mockvllm

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// job is one request being answered. One goroutine, the handler's, works on it.
type job struct {
	server   *Server
	endpoint wire.Endpoint
	w        http.ResponseWriter
	r        *http.Request

	id       string         // the request's id, without the endpoint's prefix
	created  int64          // Unix seconds
	raw      jsontext.Value // the body as it came
	body     body
	behavior Behavior
	model    *model // nil if there is none of that name
	record   *record

	inputs    []int64 // tokens of each prompt
	input     int64   // of all prompts
	sequences []sequence
	frame     frame // around the text of every choice

	inEngine bool
	struck   bool  // the fault has struck
	sent     int64 // tokens sent, of all choices
}

func (s *Server) serve(e wire.Endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		j := &job{server: s, endpoint: e, w: w, r: r, id: r.Header.Get("X-Request-Id")}
		if j.id == "" {
			j.id = s.makeID()
		}
		now := s.options.Clock()
		j.created = now.Unix()
		err := j.read()
		name := j.body.Model
		if j.model = s.model(name); j.model != nil {
			name = j.model.Name
		}
		j.record = s.options.Ledger.open(Entry{
			ID: j.id, User: j.body.user(j.behavior.User), Model: name,
			Endpoint: e.String(), Stream: j.body.Stream, Start: now,
		})
		if err == nil {
			err = j.answer()
		}
		j.settle(err)
	}
}

// makeID returns 32 hexadecimal digits, as vLLM's random_uuid does.
func (s *Server) makeID() string {
	n := s.made.Add(1)
	return fmt.Sprintf("%016x%016x", mix(s.options.Seed^n), mix(s.options.Seed+n))
}

// mix spreads the bits of x (the finaliser of splitmix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// read reads the body to its end, without which net/http would not notice
// that the client leaves, and parses it.
func (j *job) read() error {
	j.behavior = *j.server.defaults.Load()
	media, _, _ := strings.Cut(j.r.Header.Get("Content-Type"), ";")
	raw, err := io.ReadAll(j.r.Body)
	if err != nil {
		return errGone
	}
	if !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return invalid("", "Unsupported Media Type: Only 'application/json' is allowed")
	}
	if err := parseBody(raw, &j.body); err != nil {
		return err
	}
	j.raw = raw
	if j.behavior, err = parseBehavior(j.body.Mock, j.behavior); err != nil {
		return err
	}
	for _, kind := range j.server.options.Stumbles {
		if bytes.Contains(raw, []byte(kind.Text)) {
			j.behavior = kind.Behavior
			break
		}
	}
	return nil
}

// answer does what the endpoint does, up to the last byte.
func (j *job) answer() error {
	if err := j.strikeEarly(); err != nil {
		return err
	}
	if j.model == nil {
		return unknownModel(j.body.Model)
	}
	switch j.endpoint {
	case wire.Tokenize:
		return j.answerTokenize()
	case wire.Detokenize:
		return j.answerDetokenize()
	case wire.CountTokens:
		return j.answerCountTokens()
	}
	if err := j.price(); err != nil {
		return err
	}
	if j.endpoint.Generates() {
		if err := j.plan(); err != nil {
			return err
		}
	}
	turn, err := j.accept()
	if err != nil {
		return err
	}
	if j.endpoint.Generates() {
		return j.answerGeneration(turn)
	}
	if err := j.prefill(turn); err != nil {
		return err
	}
	return j.answerPooling()
}

// accept takes the request up. Its turn in the engine has come when the
// channel, if there is one, is closed.
func (j *job) accept() (turn chan struct{}, err error) {
	if j.server.queueFull.Load() {
		return nil, errQueueFull
	}
	turn, full := j.model.enter()
	if full {
		return nil, errQueueFull
	}
	j.inEngine = true
	j.record.accept()
	return turn, nil
}

// prefill waits for the request's turn and charges its input.
func (j *job) prefill(turn chan struct{}) error {
	if turn != nil {
		if err := await(j, turn); err != nil {
			j.inEngine = false
			j.model.abandon(turn)
			return err
		}
	}
	j.record.prefill(j.input, min(j.behavior.CachedTokens, j.input), len(j.sequences))
	j.model.promptTokens.Add(j.input)
	return nil
}

// finish books the end of the request; only the first call counts. It is
// called before the last bytes leave, so that nobody who has read them can
// find the request still running.
func (j *job) finish(outcome Outcome) {
	if j.inEngine {
		j.inEngine = false
		j.model.leave()
		if outcome == Completed {
			j.model.succeeded.Add(1)
		}
	}
	j.record.end(outcome, j.server.options.Clock())
}

// settle books what answer left open, and answers errors.
func (j *job) settle(err error) {
	var failure *apiError
	switch {
	case err == nil:
		j.finish(Completed)
		if j.fails(CloseIdle) {
			j.closeIdle()
		}
	case errors.As(err, &failure):
		j.fail(failure)
	case errors.Is(err, errGone):
		j.finish(Cancelled)
	case errors.Is(err, errClosed):
		j.finish(Failed)
		panic(http.ErrAbortHandler) // net/http's way to break an answer off
	case errors.Is(err, errStruck):
	default:
		j.fail(invalid("", "%v", err))
	}
}

func (j *job) fail(e *apiError) {
	outcome := Rejected
	if e.status >= http.StatusInternalServerError {
		outcome = Failed
	}
	j.record.status(e.status)
	j.finish(outcome)
	if e.retryAfter != "" {
		j.w.Header().Set("Retry-After", e.retryAfter)
	}
	writeJSON(j.w, e.status, e.render(j.endpoint.Anthropic()))
}

// writeAnswer sends the whole JSON answer, or what the fault leaves of it.
func (j *job) writeAnswer(body []byte) error {
	if j.fails(Malformed) {
		body = body[:len(body)/2]
	}
	j.record.status(http.StatusOK)
	if j.behavior.PaddingBytes > 0 {
		return j.writePadded(body)
	}
	if j.fails(Reset, ResetMidEvent, Close, Truncate, Cut) {
		return j.breakAnswer(body)
	}
	if j.endpoint.Counts() && !j.fails(Malformed) {
		j.tellFinal()
	}
	j.finish(Completed)
	if j.behavior.Encoding != "" {
		j.w.Header().Set("Content-Encoding", j.behavior.Encoding)
		body = encoded(j.behavior.Encoding, body)
	}
	writeJSON(j.w, http.StatusOK, body)
	return nil
}

// encoded returns a body in a coding; as it is in those that are not known here.
func encoded(coding string, body []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	default:
		return body
	}
	_, _ = w.Write(body) // to memory
	_ = w.Close()
	return b.Bytes()
}
