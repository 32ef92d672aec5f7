package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// streamBodyOf returns a whole stream of two tokens, decoded.
func streamBodyOf(t *testing.T, s streamRequest) string {
	t.Helper()
	s.Stream, s.MaxTokens = true, 2
	raw := appendFirst(append([]byte{}, streamHead...), s)
	raw = appendContent(raw, s, 1)
	raw = appendContent(raw, s, 2)
	body, err := readMessage(string(appendLast(raw, s)))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// usages returns the completion tokens that each event before [DONE] states,
// "-" where it states none.
func usages(t *testing.T, body string) []string {
	t.Helper()
	var all []string
	for event := range strings.SplitSeq(strings.TrimSuffix(body, "data: [DONE]\n\n"), "\n\n") {
		if event == "" {
			continue
		}
		var chunk struct {
			Choices []any
			Usage   *struct {
				Prompt     int64 `json:"prompt_tokens"`
				Completion int64 `json:"completion_tokens"`
				Total      int64 `json:"total_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk); err != nil {
			t.Fatalf("event %q: %v", event, err)
		}
		stated := "-"
		if u := chunk.Usage; u != nil {
			stated = fmt.Sprint(u.Completion)
			if u.Total != u.Prompt+u.Completion {
				t.Errorf("usage does not add up: %+v", *u)
			}
		}
		all = append(all, fmt.Sprintf("%s/%d", stated, len(chunk.Choices)))
	}
	return all
}

func TestStreamUsage(t *testing.T) {
	for _, c := range []struct {
		name                string
		include, continuous bool
		want                []string // completion tokens / choices
	}{
		{"none", false, false, []string{"-/1", "-/1", "-/1", "-/1"}},
		{"at the end", true, false, []string{"-/1", "-/1", "-/1", "-/1", "2/0"}},
		{"on every event", true, true, []string{"0/1", "1/1", "2/1", "2/1", "2/0"}},
		{"continuous alone is not heeded", false, true, []string{"-/1", "-/1", "-/1", "-/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s streamRequest
			s.StreamOptions.IncludeUsage, s.StreamOptions.ContinuousUsageStats = c.include, c.continuous
			body := streamBodyOf(t, s)
			if !strings.HasSuffix(body, "data: [DONE]\n\n") {
				t.Errorf("no [DONE] in %q", body)
			}
			if diff := cmp.Diff(c.want, usages(t, body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// However a stream is cut, its events are counted once each.
func TestEventCounterAnyCut(t *testing.T) {
	body := streamBodyOf(t, streamRequest{})
	for first := range len(body) {
		var c eventCounter
		c.add([]byte(body[:first]))
		c.add(nil)
		c.add([]byte(body[first : first+1]))
		c.add([]byte(body[first+1:]))
		if c.count != 5 {
			t.Fatalf("cut at %d: %d events, want 5", first, c.count)
		}
	}
}

func TestWritten(t *testing.T) {
	before := time.Since(epoch)
	raw := string(appendContent(nil, streamRequest{}, 1))
	at, found := written([]byte(raw))
	if !found || at < before || at > time.Since(epoch) {
		t.Errorf("written at %v, %t; want after %v", at, found, before)
	}
	for _, piece := range []string{"", "data: [DONE]\n\n", raw[:strings.Index(raw, contentStart)+len(contentStart)+2]} {
		if at, found := written([]byte(piece)); found {
			t.Errorf("%q was written at %v", piece, at)
		}
	}
}

// A chunk's size is right for every size that four digits can say.
func TestAppendChunk(t *testing.T) {
	for _, size := range []int{0, 1, 15, 16, 255, 4096, 65535} {
		chunk := appendChunk(nil, func(dst []byte) []byte { return append(dst, strings.Repeat("x", size)...) })
		if want := fmt.Sprintf("%04x\r\n", size); !strings.HasPrefix(string(chunk), want) {
			t.Errorf("%d bytes begin with %.6q, want %q", size, chunk, want)
		}
	}
}

func TestAppendRequest(t *testing.T) {
	raw := appendRequest(nil, 42, chatBody)
	if !strings.Contains(string(raw), "\r\nX-User-ID: user-42\r\n") {
		t.Errorf("no user in %q", raw)
	}
	r := bufio.NewReader(strings.NewReader(string(raw)))
	h, err := readHead(r)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := h.readBody(r, nil); err != nil || string(body) != chatBody {
		t.Errorf("body %q, %v", body, err)
	}
	for _, body := range []string{chatBody, streamBody, probeBody} {
		if !json.Valid([]byte(body)) {
			t.Errorf("not JSON: %s", body)
		}
	}
}
