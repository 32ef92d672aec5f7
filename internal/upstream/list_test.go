package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// vllm returns a list as vLLM writes it, of models with a context of so many tokens.
func vllm(context int, names ...string) string {
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, `%s{"id":%q,"object":"model","created":1,"owned_by":"vllm","root":"x","parent":null,"max_model_len":%d,"permission":[]}`,
			map[bool]string{true: ","}[i > 0], name, context)
	}
	return `{"object":"list","data":[` + b.String() + `]}`
}

// TestReadList: only vLLM's list says which models there are not.
func TestReadList(t *testing.T) {
	many := make([]string, 20_000)
	for i := range many {
		many[i] = fmt.Sprint("model-", i)
	}
	adapter := strings.TrimSuffix(vllm(4096, "base"), "]}") +
		`,{"id":"m","object":"model","owned_by":"vllm","root":"/adapters/m","parent":"base","max_model_len":null}]}`
	for name, tt := range map[string]struct {
		text    string
		lacks   bool // of "m"
		context int64
	}{
		"there":                 {vllm(4096, "m"), false, 4096},
		"among others":          {vllm(4096, "base", "m"), false, 4096},
		"not there":             {vllm(4096, "base"), true, 0},
		"another case":          {vllm(4096, "M"), true, 0},
		"an adapter":            {adapter, false, 4096}, // of the model that it is for
		"no context":            {strings.Replace(vllm(1, "m"), `"max_model_len":1`, `"max_model_len":null`, 1), false, 0},
		"a context that is odd": {vllm(-5, "m"), false, 0},
		"more than there is":    {strings.Replace(vllm(1, "m"), `_len":1`, `_len":9000000000000000000`, 1), false, 0},
		"no number":             {strings.Replace(vllm(1, "base"), `_len":1`, `_len":"long"`, 1), false, 0},
		"of llama.cpp":          {strings.ReplaceAll(vllm(1, "base"), `"vllm"`, `"llamacpp"`), false, 0},
		"of two":                {`{"object":"list","data":[{"id":"a","owned_by":"vllm"},{"id":"b","owned_by":"openai"}]}`, false, 0},
		"of nobody":             {`{"object":"list","data":[{"id":"a"}]}`, false, 0},
		"no list":               {strings.Replace(vllm(1, "base"), `"list"`, `"page"`, 1), false, 0},
		"empty":                 {vllm(1), false, 0},
		"without names":         {`{"object":"list","data":[{"owned_by":"vllm"}]}`, false, 0},
		"nothing":               {"", false, 0},
		"a page":                {"<html>", false, 0},
		"cut off":               {vllm(1, "base")[:90], false, 0},
		"a bare array":          {`[{"id":"a","owned_by":"vllm"}]`, false, 0},
		"too long":              {vllm(1, many...), false, 0},
	} {
		l := readList([]byte(tt.text))
		if l.lacks("m") != tt.lacks || l.contexts["m"] != tt.context {
			t.Errorf("%s: lacks m: %v, of context %d; want %v, %d", name, l.lacks("m"), l.contexts["m"], tt.lacks, tt.context)
		}
	}
}

// library is a model server whose list is what it holds; "" for none.
func library(t *testing.T, list *atomic.Value) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/health":
		case r.URL.Path != listPath:
			asked.Add(1)
			_, _ = w.Write([]byte("{}"))
		case list.Load() == "":
			w.WriteHeader(http.StatusNotFound)
		case list.Load() == "broken":
			panic(http.ErrAbortHandler)
		default:
			_, _ = w.Write([]byte(list.Load().(string)))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// TestPoolAvoidsWhoLacksTheModel: a server that lists other models is healthy for those
// only, until its list says otherwise.
func TestPoolAvoidsWhoLacksTheModel(t *testing.T) {
	var lists [2]atomic.Value
	var servers []*Server
	var asked []*atomic.Int32
	changes := 0
	for i := range lists {
		lists[i].Store("")
		address, n := library(t, &lists[i])
		servers, asked = append(servers, connect(t, address, func(o *setup) { o.Listed = func() { changes++ } })), append(asked, n)
	}
	p := NewPool("m", servers, nil)
	for i, tt := range []struct {
		lists   [2]string
		healthy [2]bool
		context int64
		changes int
	}{
		{[2]string{"", ""}, [2]bool{true, true}, 0, 2}, // from nothing known to nothing said
		{[2]string{"", ""}, [2]bool{true, true}, 0, 0},
		{[2]string{vllm(100, "m"), vllm(200, "m")}, [2]bool{true, true}, 200, 2},
		{[2]string{vllm(100, "m"), ""}, [2]bool{true, true}, 0, 1}, // the other one may have any
		{[2]string{vllm(100, "m"), vllm(200, "base")}, [2]bool{true, false}, 100, 1},
		{[2]string{vllm(100, "m"), "broken"}, [2]bool{true, false}, 100, 0}, // as it was
		{[2]string{vllm(100, "x"), vllm(200, "base")}, [2]bool{false, false}, 0, 1},
		{[2]string{vllm(100, "x"), vllm(200, "base", "m")}, [2]bool{false, true}, 200, 1},
	} {
		changes = 0
		for n, s := range servers {
			lists[n].Store(tt.lists[n])
			asked[n].Store(0)
			s.look(t.Context())
		}
		for range 4 {
			if _, _, failure := ask(t, p); (failure == nil) != (tt.healthy[0] || tt.healthy[1]) {
				t.Errorf("step %d: %v", i, failure)
			} else if failure != nil && (failure.Kind != Away || !strings.Contains(failure.Error(), "does not list the model")) {
				t.Errorf("step %d: %v", i, failure)
			}
		}
		for n, e := range p.States() {
			if e.Healthy != tt.healthy[n] || (asked[n].Load() > 0) != tt.healthy[n] || (e.Reason == "") != e.Healthy {
				t.Errorf("step %d: it was asked %d times, and stands at %+v", i, asked[n].Load(), e)
			}
			if !e.Healthy && !strings.Contains(e.Reason, `and not "m"`) {
				t.Errorf("step %d: the reason is %s", i, e.Reason)
			}
		}
		if well := p.Check(t.Context()); well != (tt.healthy[0] || tt.healthy[1]) || p.Served() != well {
			t.Errorf("step %d: well: %v", i, well)
		}
		if got, known := p.ContextLength(); got != tt.context || known != (tt.healthy[0] || tt.healthy[1]) || changes != tt.changes {
			t.Errorf("step %d: the context is %d (known: %v) after %d changes, want %d after %d", i, got, known, changes, tt.context, tt.changes)
		}
	}
	if q := NewPool("x", servers, nil); q.States()[1].Healthy || !q.States()[0].Healthy {
		t.Errorf("of another model they stand at %+v", q.States())
	}
}

// TestRestartForgetsTheList: what comes back may be another process.
func TestRestartForgetsTheList(t *testing.T) {
	var list atomic.Value
	list.Store(vllm(100, "base"))
	address, _ := library(t, &list)
	s := connect(t, address)
	s.look(t.Context())
	if !s.Lacks("m") {
		t.Fatal("it does not lack the model")
	}
	s.noteFound(context.DeadlineExceeded)
	if s.Lacks("m") {
		t.Error("what is away still lacks the model")
	}
	s.noteFound(nil)
	s.look(t.Context())
	s.Relist()
	if s.Lacks("m") {
		t.Error("what is to be looked at again still lacks the model")
	}
}

// TestReasonIsBounded: however many models there are, and whatever they are called.
func TestReasonIsBounded(t *testing.T) {
	var list atomic.Value
	names := []string{"a\nb", strings.Repeat("long", 1000)}
	for i := range 500 {
		names = append(names, fmt.Sprint("model-", i))
	}
	list.Store(vllm(100, names...))
	address, _ := library(t, &list)
	s := connect(t, address)
	s.look(t.Context())
	if r := s.LackReason("m"); len(r) > 1000 || strings.Contains(r, "\n") || !strings.Contains(r, "and 492 more, and not") {
		t.Errorf("%d bytes: %s", len(r), r)
	}
}
