package proxy_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestPicturesKeepTheirPrice: the model server counts a placeholder for a picture,
// which must not take the place of what was declared.
func TestPicturesKeepTheirPrice(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 10000, input-estimate: exact, image-tokens: 2000, default-output-tokens: 1}",
	})
	status, h, body := g.Post(t, chatPath, "alice", `{"model":"llama2-7b","messages":[{"role":"user","content":[`+
		`{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"http://h/a.png"}}]}],"mock":{"output_tokens":1}}`)
	remaining, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining-Tokens"))
	if status != http.StatusOK || err != nil || remaining > 8000 {
		t.Errorf("the answer is %d, with %d remaining: %s", status, remaining, body)
	}
}
