package proxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// explained is what the lines of a request at the level debug have in common, and what
// differs.
type explained struct {
	Msg       string
	ID        string
	Verdict   string
	Limit     string
	Price     map[string]any
	Charge    map[string]int64
	Standings map[string]map[string]int64
	Path      string
	Server    string
	Status    int
	Error     string
	Endpoints []struct {
		Server  string
		Healthy bool
		Breaker string `json:"circuit_breaker"`
		Running int
		Tried   bool
	}
	Granted, Charged map[string]int64
	Refunded         int64
	Estimated        string
}

// explain sends a chat under an id of its own, and returns the lines that explain it.
func explain(t *testing.T, g *apptest.Gateway, id, body string) (status int, lines []explained) {
	t.Helper()
	r := g.Request(t.Context(), chatPath, "alice", body)
	r.Header.Set("X-Request-Id", id)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	apptest.Eventually(func() bool { return strings.Contains(g.Logs.String(), `"msg":"request","id":"`+id+`"`) })
	for l := range strings.Lines(g.Logs.String()) {
		if !strings.Contains(l, `"level":"DEBUG"`) || !strings.Contains(l, `"id":"`+id+`"`) {
			continue
		}
		var e explained
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		lines = append(lines, e)
	}
	return response.StatusCode, lines
}

// sequence returns the messages of lines.
func sequence(lines []explained) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Msg)
	}
	return strings.Join(all, " ")
}

// TestDebugExplains: what the limits have decided of a request, and why; which endpoints
// were asked, and how all of them stood; what it has cost. Nothing of its content.
func TestDebugExplains(t *testing.T) {
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer full.Close()
	served := httptest.NewServer(mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: apptest.Model}}}))
	defer served.Close()
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 400, max-requests-per-minute: 2}", Config: "logging: {level: debug}",
		Services: fmt.Sprintf("pair: {endpoints: [%q, %q], served-as: %s, share-limits-with: %[3]s, allow-fields: [mock]}", full.URL, served.URL, apptest.Model),
	})
	const secret = "xylophone"
	body := func(more string) string {
		return `{"model":"pair","messages":[{"role":"user","content":"` + secret + `"}]` + more + `}`
	}

	// Equals take turns, so that one of two meets the full queue first.
	met := 0
	for _, id := range []string{"first", "second"} {
		status, lines := explain(t, g, id, body(`,"max_tokens":20,"mock":{"output_tokens":5}`))
		if status != http.StatusOK || len(lines) < 3 || lines[0].Msg != "decision" || lines[len(lines)-1].Msg != "settlement" {
			t.Fatalf("%s: %d, and the lines are: %s", id, status, sequence(lines))
		}
		d, s := lines[0], lines[len(lines)-1]
		tokens := d.Standings["user tokens per minute"]
		if d.Verdict != "admitted" || d.Charge["output"] != 20 || tokens["limit"] != 400 || tokens["used"] < d.Charge["input"]+20 || d.Standings["user requests per minute"]["limit"] != 2 {
			t.Errorf("%s: the decision is %+v", id, d)
		}
		if s.Granted["output"] != 20 || s.Charged["output"] != 5 || s.Refunded == 0 || s.Estimated != "" {
			t.Errorf("%s: the settlement is %+v", id, s)
		}
		attempts := lines[1 : len(lines)-1]
		last := attempts[len(attempts)-1]
		if "http://"+last.Server != served.URL || last.Status != http.StatusOK || last.Path != "/v1/chat/completions" || len(last.Endpoints) != 2 || !last.Endpoints[0].Healthy || last.Endpoints[0].Breaker != "closed" {
			t.Errorf("%s: the last attempt is %+v", id, last)
		}
		if len(attempts) == 2 {
			met++
			if a := attempts[0]; "http://"+a.Server != full.URL || !strings.Contains(a.Error, "full queue") || !last.Endpoints[0].Tried || last.Endpoints[1].Tried {
				t.Errorf("%s: the attempts are %+v", id, attempts)
			}
		}
	}
	if met != 1 {
		t.Errorf("%d of two requests met the full queue", met)
	}

	status, lines := explain(t, g, "denied", body(``))
	if status != http.StatusTooManyRequests || sequence(lines) != "decision" {
		t.Fatalf("denied: %d, and the lines are: %s", status, sequence(lines))
	}
	d := lines[0]
	if r := d.Standings["user requests per minute"]; d.Verdict != "denied" || d.Limit != "user requests per minute" || r["wait_ms"] == 0 || r["need"] != 1 || r["remaining"] != 0 {
		t.Errorf("the denial is %+v", d)
	}
	status, lines = explain(t, g, "never", strings.Replace(body(``), secret, strings.Repeat(secret+" ", 500), 1))
	if status != http.StatusBadRequest || len(lines) == 0 || lines[len(lines)-1].Verdict != "never fits" || lines[len(lines)-1].Limit != "user tokens per minute" {
		t.Errorf("never: %d, and the lines are %+v", status, lines)
	}
	if strings.Contains(g.Logs.String(), secret) {
		t.Error("the log quotes a prompt")
	}
}

// TestInfoExplainsNothing: the lines are for those who ask for them.
func TestInfoExplainsNothing(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 400}"})
	if _, lines := explain(t, g, "first", `{"model":"llama2-7b","messages":[]}`); len(lines) != 0 {
		t.Errorf("the lines are %+v", lines)
	}
}
