package mockvllm

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSplit shows that a stream is the same bytes however it is cut.
func TestSplit(t *testing.T) {
	const body = `{"messages":[],"stream":true,"mock":{"output_tokens":3,"language":"ko","split":%d}}`
	s := New(Options{Clock: func() time.Time { return epoch }})
	whole := call(s, http.MethodPost, "/v1/chat/completions", "r", fmt.Sprintf(body, 0)).Body.String()
	for _, size := range []int{1, 2, 3, 7, 1000} {
		w := &writes{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(fmt.Sprintf(body, size)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Request-Id", "r")
		s.ServeHTTP(w, r)
		if diff := cmp.Diff(whole, w.Body.String()); diff != "" {
			t.Errorf("split %d changes the stream:\n%s", size, diff)
		}
		if w.largest > size || w.flushes != w.writes+1 { // one for the headers
			t.Errorf("split %d: writes of up to %d bytes, %d writes, %d flushes", size, w.largest, w.writes, w.flushes)
		}
	}
}

// writes notes how a stream was written.
type writes struct {
	*httptest.ResponseRecorder
	writes, flushes, largest int
}

func (w *writes) Write(p []byte) (int, error) {
	w.writes++
	w.largest = max(w.largest, len(p))
	return w.ResponseRecorder.Write(p)
}

func (w *writes) Flush() { w.flushes++ }

// TestLineEnds undoes each framing and expects the plain stream.
func TestLineEnds(t *testing.T) {
	s := New(Options{Clock: func() time.Time { return epoch }})
	stream := func(mock string) string {
		return call(s, http.MethodPost, "/v1/messages", "r",
			`{"messages":[],"max_tokens":2,"stream":true,"mock":{"output_tokens":2`+mock+`}}`).Body.String()
	}
	plain := stream("")
	for _, c := range []struct {
		mock string
		undo *strings.Replacer
	}{
		{`,"line_end":"crlf"`, strings.NewReplacer("\r\n", "\n")},
		{`,"line_end":"cr"`, strings.NewReplacer("\r", "\n")},
		{`,"bom":true`, strings.NewReplacer("\ufeff", "")},
		{`,"comments":true`, strings.NewReplacer(": a comment\n\n", "")},
		{`,"multiline":true`, strings.NewReplacer("{\ndata: ", "{")},
	} {
		framed := stream(c.mock)
		if framed == plain {
			t.Errorf("%s changes nothing", c.mock)
		}
		if diff := cmp.Diff(plain, c.undo.Replace(framed)); diff != "" {
			t.Errorf("%s (-plain +framed):\n%s", c.mock, diff)
		}
	}
}

// TestAck reads a stream event by event: nothing comes before it is let go.
func TestAck(t *testing.T) {
	s, url := start(t, Options{})
	response, err := http.DefaultClient.Do(requestTo(t, url+"/v1/completions", "r",
		`{"prompt":"a","stream":true,"mock":{"output_tokens":3,"ack":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	events := 0
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		events++
		if e, _ := s.Ledger().Entry("r"); len(e.Events) != events || e.Output != int64(min(events, 3)) {
			t.Errorf("event %d arrived when %d were sent and %d tokens booked", events, len(e.Events), e.Output)
		}
		if events < 4 && !s.Ack("r") {
			t.Error("there is nothing to acknowledge")
		}
	}
	if events != 4 {
		t.Errorf("%d events arrived, want 3 tokens and [DONE]", events)
	}
	e := entry(t, s.Ledger(), "r")
	for i, event := range e.Events[:3] {
		if event.Acked.Before(event.Sent) || e.Events[i+1].Sent.Before(event.Acked) {
			t.Errorf("event %d was sent before the one before it was acknowledged: %+v", i+1, e.Events)
		}
	}
	if s.Ack("r") {
		t.Error("an ended stream takes an acknowledgement")
	}
}

// TestPace checks when tokens are generated, in a stream and in a JSON answer.
func TestPace(t *testing.T) {
	for _, stream := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{TimeToFirstToken: 300 * time.Millisecond, TokenInterval: 20 * time.Millisecond})
			begin := time.Now()
			call(s, http.MethodPost, "/v1/chat/completions", "r", fmt.Sprintf(
				`{"messages":[],"stream":%t,"n":2,"mock":{"choice_tokens":[11,6]}}`, stream))
			e, _ := s.Ledger().Entry("r")
			got := []time.Duration{e.First.Sub(begin), e.Choices[0].Last.Sub(begin), e.Choices[1].Last.Sub(begin), e.End.Sub(begin)}
			want := []time.Duration{300 * time.Millisecond, 500 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stream %t: first, last, last of choice 1, end (-want +got):\n%s", stream, diff)
			}
		})
	}
}

// TestFirstTokenOnly shows that embeddings take their time too, and that a
// request may ask for another pace than the server's.
func TestFirstTokenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TimeToFirstToken: time.Second})
		for mock, want := range map[string]time.Duration{`{}`: time.Second, `{"ttft_ms":2.5}`: 2500 * time.Microsecond, `{"ttft_ms":0}`: 0} {
			begin := time.Now()
			call(s, http.MethodPost, "/v1/embeddings", "", `{"input":"a","mock":`+mock+`}`)
			if took := time.Since(begin); took != want {
				t.Errorf("%s: took %v, want %v", mock, took, want)
			}
		}
	})
}
