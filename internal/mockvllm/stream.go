package mockvllm

import (
	"bytes"
	"net/http"
	"time"
)

// byteOrderMark may start a stream of server-sent events.
const byteOrderMark = "\ufeff"

var doneData = []byte("[DONE]")

// eventStream writes server-sent events (WHATWG HTML, "Server-sent events"), each
// flushed, framed as the behaviour says.
type eventStream struct {
	job   *job
	flush http.Flusher // nil where the writer has none
	acks  chan struct{}
	count int  // events sent
	clear bool // the last event was acknowledged

	frame []byte // reused by every event
}

// newStream sends the headers, as vLLM does before a request has its turn.
func (j *job) newStream() *eventStream {
	out := &eventStream{job: j}
	out.flush, _ = j.w.(http.Flusher)
	if j.behavior.Ack {
		out.acks = j.server.openAcks(j.id)
	}
	j.record.status(http.StatusOK)
	j.w.Header()["Content-Type"] = streamType
	if j.behavior.Encoding != "" {
		j.w.Header()["Content-Encoding"] = []string{j.behavior.Encoding}
	}
	j.w.WriteHeader(http.StatusOK)
	if out.flush != nil {
		out.flush.Flush()
	}
	return out
}

func (out *eventStream) close() {
	if out.acks != nil {
		out.job.server.closeAcks(out.job.id)
	}
}

// send sends one event; name is "" where events are not named.
func (out *eventStream) send(name string, data []byte) error {
	if err := out.awaitAck(); err != nil {
		return err
	}
	return out.raw(name, data)
}

// last sends the event after which nothing comes, booking the end first.
func (out *eventStream) last(name string, data []byte) error {
	if err := out.awaitAck(); err != nil {
		return err
	}
	out.job.finish(Completed)
	return out.raw(name, data)
}

// raw sends an event whether or not the one before it was acknowledged.
func (out *eventStream) raw(name string, data []byte) error {
	b := &out.job.behavior
	end := b.LineEnd.bytes()
	frame := out.frame[:0]
	if b.BOM && out.count == 0 {
		frame = append(frame, byteOrderMark...)
	}
	if b.Comments {
		frame = append(append(frame, ": a comment"...), end+end...)
	}
	if name != "" {
		frame = append(append(append(frame, "event: "...), name...), end...)
	}
	frame = append(frame, "data: "...)
	if b.Multiline && bytes.HasPrefix(data, []byte("{")) {
		frame = append(append(append(frame, '{'), end...), "data: "...)
		data = data[1:]
	}
	frame = append(append(frame, data...), end...)
	frame = append(frame, end...)
	out.frame = frame
	out.count++
	out.clear = false
	if b.Ack {
		out.job.record.sent(out.job.server.options.Clock())
	}
	return out.write(frame)
}

// write sends bytes, in pieces if the behaviour says so.
func (out *eventStream) write(frame []byte) error {
	size := out.job.behavior.Split
	if size <= 0 {
		size = len(frame)
	}
	for len(frame) > 0 {
		n := min(size, len(frame))
		if _, err := out.job.w.Write(frame[:n]); err != nil {
			return errGone
		}
		if out.flush != nil {
			out.flush.Flush()
		}
		frame = frame[n:]
	}
	return nil
}

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

// done ends a stream of OpenAI's completions kinds. Where the [DONE] is left
// out, the end is booked at the event before it at the latest.
func (out *eventStream) done() error {
	if out.job.fails(NoDone) {
		out.job.finish(Completed)
		return nil
	}
	if err := out.last("", doneData); err != nil {
		return err
	}
	return out.goOn("", `{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"beyond "},"text":"beyond ","finish_reason":null}]}`)
}

// goOn sends events behind the last one, as the behaviour says.
func (out *eventStream) goOn(name, data string) error {
	for range out.job.behavior.AfterDone {
		if err := out.raw(name, []byte(data)); err != nil {
			return err
		}
	}
	return nil
}

// chatter sends comments until the client leaves.
func (out *eventStream) chatter() error {
	const pause = 20 * time.Millisecond
	for {
		if err := out.write([]byte(": I am here\n\n")); err != nil {
			return err
		}
		if err := await(out.job, time.After(pause)); err != nil {
			return err
		}
	}
}
