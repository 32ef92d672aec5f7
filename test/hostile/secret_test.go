package hostile_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// The markers stand for what must not leave the conversation.
const (
	promptMark     = "PROMPTMARK"
	completionMark = "COMPLETIONMARK"
)

// quoting is a model server that quotes its requests in answers and errors, as
// the member "case" of the request says.
func quoting(mock http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		events := func(list ...string) {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, e := range list {
				fmt.Fprintf(w, "data: %s\n\n", e)
			}
		}
		const quote = `"you said ` + promptMark + `, I say ` + completionMark + `"`
		const chunk = `{"id":"c","object":"chat.completion.chunk","model":"llama2-7b","choices":[{"index":0,"delta":{"content":` + quote + `}}]}`
		const failure = `{"error":{"message":` + quote + `,"type":` + quote + `,"code":`
		switch _, which, _ := strings.Cut(string(body), `"case":"`); which[:max(0, strings.IndexByte(which, '"'))] {
		case "refused":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":%s}`, quote)
		case "failed":
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"error":%s}`, quote)
		case "error event 400":
			events(failure + "400}}")
		case "error event 500":
			events(failure + "500}}")
		case "error event, no number":
			events(failure + quote + "}}")
		case "error in the middle":
			events(chunk, failure+"500}}")
		case "broken stream":
			events(chunk, chunk[:len(chunk)-9])
		case "no events":
			events(quote, "["+quote+"]", "no JSON "+promptMark)
		case "malformed answer":
			fmt.Fprint(w, `{"choices":[{"message":{"content":`+quote)
		case "odd usage":
			fmt.Fprintf(w, `{"choices":[{"message":{"content":%s}}],"usage":%s,"model":%s}`, quote, quote, quote)
		case "odd head":
			w.Header().Set("Content-Type", quote)
			w.Header().Set("X-Quote", quote)
			w.WriteHeader(599)
		default:
			fmt.Fprintf(w, `{"choices":[{"message":{"content":%s}}],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10}}`, quote)
		}
	})
}

// quotingCases are those of quoting. The model server's own words are only for
// the client whose request they quote.
var quotingCases = []string{
	"fine", "refused", "failed", "error event 400", "error event 500", "error event, no number", "error in the middle",
	"broken stream", "no events", "malformed answer", "odd usage", "odd head",
}

// wrongPrompts are refused by the gateway itself, with the marker in places
// where an error message might quote it.
var wrongPrompts = []string{
	`{"model":"llama2-7b","messages":"PROMPTMARK"}`,
	`{"model":"llama2-7b","messages":{"PROMPTMARK":1}}`,
	`{"model":"llama2-7b","messages":["PROMPTMARK"]}`,
	`{"model":"llama2-7b","messages":[{"role":"PROMPTMARK","content":{"PROMPTMARK":1}}]}`,
	`{"model":"llama2-7b","messages":[{"role":"user","content":[{"type":"PROMPTMARK"}]}]`,
	`{"model":"llama2-7b","messages":[{"role":"user","content":"PROMPTMARK","content":"PROMPTMARK"}]}`,
	`{"model":"llama2-7b","messages":[{"role":"user","content":"PROMPTMARK` + "\xff" + `"}]}`,
	`{"model":"llama2-7b","messages":[{"role":"user","content":"PROMPTMARK`,
	`{"model":"llama2-7b","PROMPTMARK":1,"PROMPTMARK":2,"messages":[]}`,
	`{"model":"llama2-7b","messages":[{"role":"user","content":"PROMPTMARK"}]}PROMPTMARK`,
	`PROMPTMARK`, `"PROMPTMARK"`,
	`{"model":{"PROMPTMARK":1},"messages":[]}`, `{"model":["PROMPTMARK"],"messages":[]}`,
	`{"model":"llama2-7b","n":"PROMPTMARK","messages":[]}`,
	`{"model":"llama2-7b","stream":"PROMPTMARK","messages":[]}`,
	`{"model":"llama2-7b","stream":true,"stream_options":"PROMPTMARK","messages":[]}`,
	`{"model":"llama2-7b","max_tokens":"PROMPTMARK","messages":[]}`,
	`{"model":"llama2-7b","vllm_xargs":{"a":"PROMPTMARK"},"messages":[]}`,
}

// TestNothingQuoted sends prompts, keys and completions on every way there is,
// and looks for them in the log, the metrics and the gateway's own errors.
func TestNothingQuoted(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: keyring(t), Wrap: quoting, RateLimit: "default-output-tokens: 8",
		Limits: "{max-tokens-per-minute: 100000, max-input-tokens-per-hour: 1000, max-requests-per-day: 60}", Service: "allow-fields: [case], api-key: KEYMARK-of-the-server",
	})
	mine := fields{"Authorization": bearer("user")}
	var own strings.Builder // the errors of the gateway itself
	say := func(a answer) {
		if a.status >= 400 {
			own.WriteString(a.body)
		}
	}
	for _, name := range quotingCases {
		for _, stream := range []bool{false, true} {
			body := fmt.Sprintf(`{"model":"llama2-7b","stream":%v,"case":%q,"messages":[{"role":"user","content":"`+promptMark+`"}]}`, stream, name)
			a := send(t, g, http.MethodPost, chatPath, mine, body)
			if a.status == http.StatusBadGateway && !stream {
				say(a)
			}
		}
	}
	for _, path := range []string{chatPath, "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages", "/v1/rerank", "/tokenize"} {
		for _, body := range wrongPrompts {
			say(send(t, g, http.MethodPost, path, mine, strings.ReplaceAll(body, `"messages"`, firstMember(path))))
		}
	}
	for _, f := range []fields{
		{"Authorization": bearer("nobody")}, {"Authorization": bearer("user"), "X-API-Key": key("admin")}, {"Authorization": "Basic " + key("user")},
		{"X-API-Key": key("nobody")}, {"Authorization": bearer("user"), "Content-Type": key("user")}, {"Authorization": bearer("user"), "Content-Encoding": promptMark},
	} {
		say(send(t, g, http.MethodPost, chatPath+"?key="+key("user"), f, chat))
		say(send(t, g, http.MethodGet, "/actuator/env?key="+key("user"), f, ""))
	}
	for range 60 { // until the limits are in the way
		say(send(t, g, http.MethodPost, chatPath, mine, prompt(400)))
	}
	if !strings.Contains(own.String(), "rate_limit_exceeded") || !strings.Contains(own.String(), "upstream_error") || !strings.Contains(own.String(), "invalid_api_key") {
		t.Error("not every kind of error has been provoked")
	}
	for where, text := range map[string]string{
		"the log": g.Logs.String(), "the metrics": g.Get(t, "/actuator/prometheus"), "the errors": own.String(),
	} {
		for _, mark := range []string{promptMark, completionMark, "KEYMARK", key("user"), key("admin"), key("nobody"), hashOf(t, "user")[7:]} {
			if i := strings.Index(text, mark); i >= 0 {
				t.Errorf("%s quote %s: %s", where, mark, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// firstMember returns the member that holds the prompt at an endpoint, quoted.
func firstMember(path string) string {
	switch path {
	case "/v1/completions", "/tokenize":
		return `"prompt"`
	case "/v1/embeddings", "/v1/responses":
		return `"input"`
	case "/v1/rerank":
		return `"query":"q","documents"`
	}
	return `"messages"`
}
