package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// streaming returns a model server that answers with these events.
func streaming(events ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range events {
			_, _ = io.WriteString(w, event+"\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	})
}

// TestNothingIsChargedBehindTheEnd: servers that end messages with [DONE] as well
// send it when the answer has been settled. Here the limit had no room for the
// input beyond its estimate, until settling made some.
func TestNothingIsChargedBehindTheEnd(t *testing.T) {
	model := streaming(
		`data: {"type":"message_start","message":{"id":"m","model":"llama2-7b","usage":{"input_tokens":60,"output_tokens":0}}}`,
		`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}`,
		`data: {"type":"content_block_stop","index":0}`,
		`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":60,"output_tokens":1}}`,
		`data: {"type":"message_stop"}`,
		`data: [DONE]`,
	)
	for _, overrun := range []string{"stop", "debt"} {
		g := apptest.Start(t, apptest.Options{
			Limits: "{max-tokens-per-minute: 200, default-output-tokens: 190, max-debt: 0, overrun: " + overrun + "}",
			Wrap:   func(http.Handler) http.Handler { return model },
		})
		status, _, body := g.Post(t, "/v1/messages", "alice",
			`{"model":"llama2-7b","max_tokens":500,"stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
		if status != http.StatusOK || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%s: the answer is %d: %s", overrun, status, body)
		}
		if w := g.Usage(t, "alice").Windows[0]; w.Used != 61 || w.Reserved != 0 {
			t.Errorf("%s: %d are used and %d reserved, want 61 and 0", overrun, w.Used, w.Reserved)
		}
	}
}

// TestUsageOptionsRefusedTwiceAtOnce: of two streams that a model server refuses
// for the options of the gateway's, the one that hears of it later is sent again
// as well.
func TestUsageOptionsRefusedTwiceAtOnce(t *testing.T) {
	var refused atomic.Int32
	both, later := make(chan struct{}), make(chan struct{})
	plain := streaming(`data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}`, `data: [DONE]`)
	g := apptest.Start(t, apptest.Options{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(body), "continuous_usage_stats") {
				plain.ServeHTTP(w, r)
				return
			}
			if refused.Add(1) == 1 {
				<-both
			} else {
				close(both)
				<-later
			}
			http.Error(w, `{"error":{"message":"continuous_usage_stats: extra inputs are not permitted"}}`, http.StatusBadRequest)
		})
	}})
	answers := make(chan int, 2)
	for range 2 {
		go func() {
			response, err := http.DefaultClient.Do(g.Request(t.Context(), chatPath, "alice", chat(1, true)))
			if err != nil {
				t.Error(err)
				answers <- 0
				return
			}
			defer response.Body.Close()
			answers <- response.StatusCode
		}()
	}
	first := <-answers
	close(later)
	if second := <-answers; first != http.StatusOK || second != http.StatusOK {
		t.Errorf("the answers are %d and %d", first, second)
	}
}

// TestRefusalsOfMediaAreNotRemembered: a picture that can be fetched the second
// time only, from an address that a refusal quotes, says nothing of the options.
func TestRefusalsOfMediaAreNotRemembered(t *testing.T) {
	var asked atomic.Int32 // requests with the options
	plain := streaming(`data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}`, `data: [DONE]`)
	g := apptest.Start(t, apptest.Options{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `"continuous_usage_stats":true`) && asked.Add(1) == 1 {
				http.Error(w, `{"error":{"message":"404 for http://h/continuous_usage_stats.png"}}`, http.StatusBadRequest)
				return
			}
			plain.ServeHTTP(w, r)
		})
	}})
	picture := `{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://h/continuous_usage_stats.png"}}]}]}`
	for _, body := range []string{picture, chat(1, true)} {
		if status, _, answer := g.Post(t, chatPath, "alice", body); status != http.StatusOK {
			t.Errorf("the answer is %d: %s", status, answer)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("%d requests were sent with the options, want both", n)
	}
}
