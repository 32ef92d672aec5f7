package mockvllm

import (
	"net/http"
	"time"
)

// byteOrderMark may start a stream of server-sent events.
const byteOrderMark = "\ufeff"

// eventStream writes server-sent events (WHATWG HTML, "Server-sent events"), each
// flushed, framed as the behaviour says.
type eventStream struct {
	job   *job
	acks  chan struct{}
	count int   // events sent
	clear bool  // the last event was acknowledged
	err   error // the first one; nothing is sent after it

	frame []byte // reused by every event
}

// event is one event of a stream.
type event struct{ name, data string }

// newStream sends the headers, as vLLM does before a request has its turn.
func (j *job) newStream() *eventStream {
	out := &eventStream{job: j}
	if j.behavior.Ack {
		out.acks = make(chan struct{}, acksMax)
		j.server.acks.Store(j.id, out.acks)
	}
	j.record.status(http.StatusOK)
	j.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	if j.behavior.Encoding != "" {
		j.w.Header().Set("Content-Encoding", j.behavior.Encoding)
	}
	j.w.WriteHeader(http.StatusOK)
	out.flush()
	return out
}

// send sends one event, once the one before it was acknowledged; name is "" where events
// are not named, and data is what its parts make together.
func (out *eventStream) send(name string, data ...string) {
	if out.err == nil {
		out.err = out.awaitAck()
	}
	out.raw(name, data...)
}

// end sends the event after which nothing comes, booking the end first, and what goes on
// behind it if the behaviour says so. Where the last event is left out, the end is booked
// at the event before it at the latest.
func (out *eventStream) end(last, beyond event) {
	if out.err == nil && !out.job.fails(NoDone) {
		out.err = out.awaitAck()
	}
	if out.err != nil {
		return
	}
	out.job.finish(Completed)
	if out.job.fails(NoDone) {
		return
	}
	out.raw(last.name, last.data)
	for range out.job.behavior.AfterDone {
		out.raw(beyond.name, beyond.data)
	}
}

// raw sends an event whether or not the one before it was acknowledged.
func (out *eventStream) raw(name string, data ...string) {
	if out.err != nil {
		return
	}
	b := &out.job.behavior
	end := lineEnds[b.LineEnd]
	frame := out.frame[:0]
	if b.BOM && out.count == 0 {
		frame = append(frame, byteOrderMark...)
	}
	if b.Comments {
		frame = append(frame, ": a comment"+end+end...)
	}
	if name != "" {
		frame = append(frame, "event: "+name+end...)
	}
	frame = append(frame, "data: "...)
	if b.Multiline && data[0][0] == '{' {
		frame = append(frame, "{"+end+"data: "...)
		data[0] = data[0][1:] // #nosec G602 -- its first byte was looked at
	}
	for _, part := range data {
		frame = append(frame, part...)
	}
	out.frame = append(append(frame, end...), end...)
	out.count++
	out.clear = false
	if b.Ack {
		out.job.record.sent(out.job.server.options.Clock())
	}
	out.write(out.frame)
}

// write sends bytes, in pieces if the behaviour says so.
func (out *eventStream) write(frame []byte) {
	size := out.job.behavior.Split
	if size <= 0 {
		size = len(frame)
	}
	for len(frame) > 0 && out.err == nil {
		n := min(size, len(frame))
		if _, err := out.job.w.Write(frame[:n]); err != nil {
			out.err = errGone
		}
		out.flush()
		frame = frame[n:]
	}
}

// flush does nothing where the writer cannot.
func (out *eventStream) flush() { _ = http.NewResponseController(out.job.w).Flush() }

// awaitAck waits until the event before was acknowledged. Waiting again before
// the next event does nothing.
func (out *eventStream) awaitAck() error {
	if out.acks == nil || out.count == 0 || out.clear {
		return nil
	}
	if err := await(out.job, out.acks); err != nil {
		return err
	}
	out.clear = true
	out.job.record.acked(out.job.server.options.Clock())
	return nil
}

// chatter sends comments until the client leaves.
func (out *eventStream) chatter() error {
	const pause = 20 * time.Millisecond
	for out.err == nil {
		out.write([]byte(": I am here\n\n"))
		if out.err == nil {
			out.err = await(out.job, time.After(pause))
		}
	}
	return out.err
}
