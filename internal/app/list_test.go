package app_test

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

// shown is a model as admins see it.
type shown struct {
	ContextLength int64 `json:"context_length"`
	Endpoints     []struct {
		Healthy bool
		Reason  string
	}
}

func show(t *testing.T, g *apptest.Gateway, model string) (s shown) {
	t.Helper()
	if err := json.Unmarshal([]byte(g.Get(t, "/api/v1/models/"+model)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestModelServerThatLacksAModel: a name that the model server does not know is found out
// before a client does, and said with its reason. What it learns later is served.
func TestModelServerThatLacksAModel(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Service:  "health-interval: 100ms",
		Services: `sql: {endpoints: [MOCK], served-as: sql-lora, health-interval: 100ms}`,
		Mock:     mockvllm.Options{Models: []mockvllm.Model{{Name: apptest.Model, ContextLength: 4096}}},
	})
	post := func(model string) (int, string) {
		status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"`+model+`","messages":[{"role":"user","content":"hello"}]}`)
		return status, body
	}
	if !apptest.Eventually(func() bool { return !show(t, g, "sql").Endpoints[0].Healthy }) {
		t.Fatal("it is not found out")
	}
	if s := show(t, g, "sql"); !strings.Contains(s.Endpoints[0].Reason, `its /v1/models lists "llama2-7b", and not "sql-lora"`) || s.ContextLength != 0 {
		t.Errorf("the model is shown as %+v", s)
	}
	if !apptest.Eventually(func() bool { return show(t, g, apptest.Model).ContextLength == 4096 }) { // a moment later
		t.Error("the context of the other one is not known")
	}
	if s := show(t, g, apptest.Model); !s.Endpoints[0].Healthy {
		t.Errorf("the other one is shown as %+v", s)
	}
	if status, body := post("sql"); status != http.StatusServiceUnavailable || !strings.Contains(body, "model_unavailable") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := post(apptest.Model); status != http.StatusOK {
		t.Errorf("of the other one: %d %s", status, body)
	}
	if status, body := g.Probe(t, "/api/v1/models/sql/health"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
	if body := g.Get(t, "/actuator/health"); !strings.Contains(body, `"unserved":["sql"]`) {
		t.Errorf("the health document is %s", body)
	}
	address := strings.TrimPrefix(g.MockURL, "http://")
	metrics := g.Get(t, "/actuator/prometheus")
	for _, want := range []string{
		fmt.Sprintf(`model_endpoint_healthy{endpoint=%q,model="sql"} 0`, address),
		fmt.Sprintf(`model_endpoint_healthy{endpoint=%q,model="llama2-7b"} 1`, address),
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	g.Mock.Serve(mockvllm.Model{Name: "sql-lora", ContextLength: 2048})
	if !apptest.Eventually(func() bool { status, _ := post("sql"); return status == http.StatusOK }) {
		t.Fatal("an adapter that was loaded is not served")
	}
	if !apptest.Eventually(func() bool { return show(t, g, "sql").ContextLength == 2048 }) {
		t.Error("the context of the adapter is not known")
	}
	if s := show(t, g, "sql"); !s.Endpoints[0].Healthy || s.Endpoints[0].Reason != "" {
		t.Errorf("the model is shown as %+v", s)
	}
	for _, want := range []string{
		`"level":"WARN","msg":"a model server does not list a model, and is not asked for it"`, `"model":"sql","served_as":"sql-lora"`,
		`"level":"INFO","msg":"a model server lists a model again"`, `"error":"no server of the model \"sql\" is available; try again later: model server `,
	} {
		if !apptest.Eventually(func() bool { return strings.Contains(g.Logs.String(), want) }) {
			t.Errorf("the log has no %s", want)
		}
	}
}

// TestReloadLooksAgain: a model that a reload brings, and its server has had since a moment
// ago, does not wait for the next look at the list.
func TestReloadLooksAgain(t *testing.T) {
	const service = "health-interval: 1h"
	g := apptest.Start(t, apptest.Options{Reloads: true, Service: service})
	if !apptest.Eventually(func() bool { return show(t, g, apptest.Model).ContextLength > 0 }) {
		t.Fatal("nobody has looked")
	}
	g.Mock.Serve(mockvllm.Model{Name: "sql-lora", ContextLength: 2048})
	g.Configure(t, func(o *apptest.Options) {
		o.Services = `sql: {endpoints: [MOCK], breaker-failures: 0, served-as: sql-lora, ` + service + `}`
	})
	g.Reload()
	if n := show(t, g, apptest.Model).ContextLength; n == 0 {
		t.Error("what the server has said of the other model is forgotten meanwhile")
	}
	for range 3 {
		status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"sql","messages":[{"role":"user","content":"hello"}]}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	if !apptest.Eventually(func() bool { return show(t, g, "sql").ContextLength == 2048 }) {
		t.Error("nobody has looked again")
	}
}

// TestContextLengthThatIsSet stands, whatever the model server says.
func TestContextLengthThatIsSet(t *testing.T) {
	mock := httptest.NewServer(mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: "known", ContextLength: 4096}}}))
	t.Cleanup(mock.Close)
	g := apptest.Start(t, apptest.Options{
		Service:  "context-length: 100",
		Services: fmt.Sprintf("known: {endpoints: [%q]}", mock.URL),
	})
	if !apptest.Eventually(func() bool { return show(t, g, "known").ContextLength == 4096 }) {
		t.Fatal("nobody has looked")
	}
	if s := show(t, g, apptest.Model); s.ContextLength != 100 {
		t.Errorf("the model is shown as %+v", s)
	}
}

// TestReloadMendsAName: a model whose served-as a reload has put right is not said to be
// listed again when the list changes for another reason.
func TestReloadMendsAName(t *testing.T) {
	served := func(name string) string {
		return `sql: {endpoints: [MOCK], served-as: ` + name + `, health-interval: 50ms}`
	}
	g := apptest.Start(t, apptest.Options{Reloads: true, Service: "health-interval: 50ms", Services: served("wrong")})
	if !apptest.Eventually(func() bool { return !show(t, g, "sql").Endpoints[0].Healthy }) {
		t.Fatal("it is not found out")
	}
	g.Configure(t, func(o *apptest.Options) { o.Services = served(apptest.Model) })
	g.Reload()
	if !show(t, g, "sql").Endpoints[0].Healthy {
		t.Error("it is not served by its right name")
	}
	g.Mock.Serve(mockvllm.Model{Name: "other", ContextLength: 2048})
	g.Configure(t, func(o *apptest.Options) {
		o.Services = served(apptest.Model) + `, other: {endpoints: [MOCK], health-interval: 50ms}`
	})
	g.Reload()
	if !apptest.Eventually(func() bool { return show(t, g, "other").ContextLength == 2048 }) {
		t.Fatal("nobody has looked")
	}
	if strings.Contains(g.Logs.String(), "lists a model again") {
		t.Error("the log says that the list has a model again, and it had it all the time")
	}
}
