package mockvllm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPadding: a padded answer is as long as asked, and otherwise what it would be; broken
// off, it ends in the midst of its padding.
func TestPadding(t *testing.T) {
	s := New(Options{Models: []Model{{Name: "m"}}})
	server := httptest.NewServer(s)
	defer server.Close()
	defer s.Close()
	ask := func(mock string) (*http.Response, []byte, error) {
		body := `{"model":"m","messages":[{"role":"user","content":"x"}],"mock":{"output_tokens":3,` + mock + `}}`
		response, err := http.Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		return response, b, err
	}
	for _, more := range []string{"", `,"padding_first":true`, `,"padding_chunked":true`, `,"padding_first":true,"padding_chunked":true`} {
		response, b, err := ask(fmt.Sprintf(`"padding_bytes":%d%s`, 1<<20, more))
		var answer struct {
			Padding []float64
			Usage   struct {
				Tokens int `json:"completion_tokens"`
			}
		}
		if err != nil || json.Unmarshal(b, &answer) != nil || answer.Usage.Tokens != 3 || len(answer.Padding) < 1<<20/len("0.0123456789,") {
			t.Errorf("%s: %v, %d bytes", more, err, len(b))
		}
		if first := strings.HasPrefix(string(b), `{"padding"`); first != strings.Contains(more, "first") || response.ContentLength > 0 == strings.Contains(more, "chunked") {
			t.Errorf("%s: %.40s, the length is %d", more, b, response.ContentLength)
		}
	}
	for _, fail := range []string{"reset", "close", "truncate"} {
		response, b, err := ask(fmt.Sprintf(`"padding_bytes":%d,"fail":%q`, 1<<20, fail))
		if err == nil || json.Valid(b) {
			t.Errorf("%s: %v, %d bytes", fail, response, len(b))
		}
	}
	if _, b, err := ask(fmt.Sprintf(`"padding_bytes":%d,"fail":"truncate","padding_chunked":true`, 1<<20)); err != nil || json.Valid(b) || len(b) < 100<<10 {
		t.Errorf("truncated: %v, %d bytes", err, len(b))
	}
}
