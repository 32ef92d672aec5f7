package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestWrongServedNameIsToldBeforeAClientFindsOut: a vLLM that serves another model than the
// configuration says is named in the log, in the health document and in the model's own,
// with its reason; and a stream that breaks is no success in the log.
func TestWrongServedNameIsToldBeforeAClientFindsOut(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	g := site{server: server, models: map[string]string{model: "{}", "misnamed": "{}"}}.serve(t)
	g.stderr.await(t, `"msg":"a model server does not list a model, and is not asked for it"`)
	if status, body := g.get("/api/v1/models/misnamed"); status != http.StatusOK || !strings.Contains(body, `"healthy":false`) || !strings.Contains(body, `and not \"misnamed\"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := g.get("/actuator/health"); status != http.StatusOK || !strings.Contains(body, `"unserved":["misnamed"]`) {
		t.Errorf("%d %s", status, body)
	}
	if a := g.send(t.Context(), chat{user: "alice", model: "misnamed", tokens: 3}); a.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := g.send(t.Context(), chat{user: "alice", tokens: 3}); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	response, err := http.Post(g.base+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"`+model+`","stream":true,"messages":[],"mock":{"fail":"close","after_tokens":3}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := readAnswer(response)
	if a.status != http.StatusOK || !strings.Contains(a.body, "broke off") {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.stderr.await(t, `"status":599`)
	if line := g.stderr.lines(`"status":599`)[0]; !strings.Contains(line, `"level":"WARN"`) || !strings.Contains(line, "unexpected EOF") {
		t.Errorf("the line of a stream that broke is %s", line)
	}
}
