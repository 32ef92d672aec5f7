package mockvllm

import (
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// fails reports whether the fault asked for is one of those, in this attempt.
func (j *job) fails(faults ...Fault) bool {
	return slices.Contains(faults, j.behavior.Fail) && j.failsNow()
}

func (j *job) failsNow() bool {
	n := j.behavior.FailAttempts
	return n == 0 || j.record.entry.Attempt <= n
}

// strikeEarly does the faults that come before any work.
func (j *job) strikeEarly() error {
	switch {
	case j.fails(Refuse, ResetBeforeByte):
		j.finish(Refused)
		return j.hangUp(j.behavior.Fail == ResetBeforeByte)
	case j.fails(QueueFull):
		return errQueueFull
	case j.behavior.Status != 0 && j.failsNow():
		return onRequest(&j.behavior)
	}
	return nil
}

// strike does the fault that is due after j.sent tokens, once; out is nil
// unless the answer is a stream. Nil means that the answer goes on.
func (j *job) strike(out *eventStream) error {
	if j.struck || j.behavior.Fail == NoFault || j.sent < j.behavior.AfterTokens || !j.failsNow() {
		return nil
	}
	j.struck = true
	if out == nil {
		return j.strikeAnswer()
	}
	return j.strikeStream(out)
}

func (j *job) strikeAnswer() error {
	switch j.behavior.Fail {
	case Stall, Chatter:
		return j.stall()
	case ErrorEvent:
		return errInternal
	case Reset, ResetMidEvent, Close, Truncate:
		return errCut
	}
	return nil
}

func (j *job) strikeStream(out *eventStream) error {
	switch j.behavior.Fail {
	case Stall:
		return j.stall()
	case Chatter:
		return out.chatter()
	case ErrorEvent:
		return j.sendError(out)
	case Malformed:
		out.raw("", `{"id":"malformed","choices":[{"index":0,"delta":{"content":"cu`)
		return out.err
	case Truncate:
		j.finish(Broken)
		return errStruck // returning ends the body properly
	case ResetMidEvent:
		out.write([]byte(`data: {"id":"cut","object":"chat.comp`))
		fallthrough
	case Reset, Close:
		j.finish(Broken)
		return j.hangUp(j.behavior.Fail != Close)
	}
	return nil
}

// stall sends nothing more until the client leaves.
func (j *job) stall() error { return await[struct{}](j, nil) }

// sendError ends a stream with an error object, as vLLM does when generation
// fails while the status is already 200.
func (j *job) sendError(out *eventStream) error {
	j.finish(Failed)
	switch j.endpoint {
	case wire.Messages:
		out.raw("error",
			`{"type":"error","error":{"type":"internal_error","message":"Internal server error"}}`)
	case wire.Responses:
		out.raw("error", `{"code":"server_error","message":"Internal server error","param":null,`+
			`"sequence_number":`+strconv.Itoa(out.count)+`,"type":"error"}`)
	default: // with the spaces that Python's json.dumps puts after separators
		out.raw("", `{"error": {"message": "Internal server error", `+
			`"type": "InternalServerError", "param": null, "code": 500}}`)
		out.raw("", "[DONE]")
	}
	return errStruck
}

// breakAnswer sends half of a JSON answer and breaks the connection off.
func (j *job) breakAnswer(body []byte) error {
	j.finish(Broken)
	half := body[:len(body)/2]
	if j.behavior.Fail != Cut {
		announceJSON(j.w, len(body))
		_, _ = j.w.Write(half) // it is broken off anyway
		return j.hangUp(j.fails(Reset, ResetMidEvent))
	}
	// Nothing marks the end but that of the connection, as with servers of HTTP/1.0.
	conn := j.hijack()
	_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"))
	_, _ = conn.Write(half)
	_ = conn.Close() // nothing is to be done about it
	return errStruck
}

// hangUp flushes what was written and closes the connection, with a reset if
// asked for. Where there is no connection to take over, it breaks the answer
// off in net/http's way. It returns errStruck.
func (j *job) hangUp(reset bool) error {
	conn := j.hijack()
	raw := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = wrapped.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // without it the close is a plain one
	}
	_ = conn.Close() // nothing is to be done about it
	return errStruck
}

// closeIdle closes the connection after a complete answer, without having
// announced it: what a server does whose keep-alive timeout has run out.
func (j *job) closeIdle() {
	chunked := j.w.Header().Get("Content-Length") == ""
	conn := j.hijack()
	if chunked {
		_, _ = conn.Write([]byte("0\r\n\r\n")) // the end of the body
	}
	_ = conn.Close() // nothing is to be done about it
}

// hijack flushes what was written, if anything was, and takes the connection.
func (j *job) hijack() net.Conn {
	rc := http.NewResponseController(j.w)
	if len(j.w.Header()) > 0 {
		_ = rc.Flush() // the connection goes away anyway
	}
	conn, _, err := rc.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2, or a recorder: net/http's way to break an answer off
	}
	return conn
}
