package hostile_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// modelOf returns the model that a body names.
func modelOf(t *testing.T, body string) string {
	t.Helper()
	var b struct{ Model string }
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return b.Model
}

// behind returns the path of an operation behind a model.
func behind(model, path string) string {
	return "/api/v1/models/" + model + strings.TrimPrefix(path, "/v1")
}

// TestModelInPath names the model in the path: it wins, a missing one is
// inserted, a different one refused, on every endpoint.
func TestModelInPath(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter, Aliases: []string{"other", "org/model-1", "한국어 model"}})
	for path, body := range bodies {
		if path == "/v1/messages/count_tokens" {
			continue // only without a model in the path
		}
		none := strings.Replace(body, `"model":"llama2-7b",`, "", 1)
		null := strings.Replace(body, `"llama2-7b"`, "null", 1)
		for what, body := range map[string]string{"the same": body, "none": none, "null": null} {
			a := post(t, g, behind("llama2-7b", path), body)
			if a.status != http.StatusOK {
				t.Errorf("%s, %s in the body: %d %s", path, what, a.status, a.body)
				continue
			}
			if got := r.last(t); got.Path != path || modelOf(t, got.Body) != "llama2-7b" {
				t.Errorf("%s, %s in the body: the model server got %s for %q", path, what, got.Path, modelOf(t, got.Body))
			}
		}
		before := len(r.all())
		for what, model := range map[string]string{"other": "other", "unknown": "nobody"} {
			a := post(t, g, behind(model, path), body)
			f := wantFailure(t, path+" behind another model", a, http.StatusBadRequest, "invalid_request")
			if !strings.Contains(path, "messages") && f.Param != "model" {
				t.Errorf("%s, %s: the error is about %q", path, what, f.Param)
			}
		}
		wantFailure(t, path+" behind nobody", post(t, g, behind("nobody", path), none), http.StatusNotFound, "model_not_found")
		wantFailure(t, path+" for nobody", post(t, g, path, strings.Replace(body, "llama2-7b", "nobody", 1)), http.StatusNotFound, "model_not_found")
		wantFailure(t, path+" without a model", post(t, g, path, none), http.StatusBadRequest, "invalid_request")
		wantSent(t, r, before)
	}
}

// TestModelNames has names that need escaping, in paths and bodies; answers
// carry the public one.
func TestModelNames(t *testing.T) {
	g, r := start(t, apptest.Options{Aliases: []string{"org/model-1", "한국어 model"}})
	none := strings.Replace(chat, `"model":"llama2-7b",`, "", 1)
	for escaped, name := range map[string]string{
		"org%2Fmodel-1": "org/model-1", "org%2fmodel-1": "org/model-1", "%6Frg%2Fmodel%2D1": "org/model-1",
		"%ED%95%9C%EA%B5%AD%EC%96%B4%20model": "한국어 model",
	} {
		for what, a := range map[string]answer{
			"the path": post(t, g, behind(escaped, chatPath), none),
			"the body": post(t, g, chatPath, strings.Replace(chat, "llama2-7b", name, 1)),
		} {
			if a.status != http.StatusOK || modelOf(t, a.body) != name {
				t.Errorf("%q in %s: %d %s", name, what, a.status, a.body)
			}
			if got := modelOf(t, r.last(t).Body); got != apptest.Model {
				t.Errorf("the model server got %q", got)
			}
		}
		if a := send(t, g, http.MethodGet, "/api/v1/models/"+escaped, nil, ""); a.status != http.StatusOK || !strings.Contains(a.body, name) {
			t.Errorf("%q: %d %s", name, a.status, a.body)
		}
	}
	for _, path := range []string{"%ff%fe", "%00", "a%0d%0ab", strings.Repeat("x", 5000)} {
		wantFailure(t, path, post(t, g, behind(path, chatPath), none), http.StatusNotFound, "model_not_found")
	}
}

// heldBack are members that are refused unless they are allowed, with values
// that are not harmless.
var heldBack = map[string]string{
	"priority": "-1", "background": "true", "kv_transfer_params": `{"a":1}`, "vllm_xargs": `{"a":1}`,
	"prompt_embeds": `"AAAA"`, "data_parallel_rank": "0", "previous_response_id": `"resp_1"`, "ec_transfer_params": "{}",
	"chat_template": `"{% for i in range(90000) %}word {% endfor %}"`,
}

// pathOf returns an endpoint that knows the member.
func pathOf(field string) string {
	switch field {
	case "background", "previous_response_id":
		return "/v1/responses"
	case "prompt_embeds":
		return "/v1/completions"
	}
	return chatPath
}

// TestHeldBackFields sends members that are held back, before and behind the
// model: refused, unless the model allows them.
func TestHeldBackFields(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		o := apptest.Options{}
		if allowed {
			o.Service = "allow-fields: [priority, background, kv_transfer_params, ec_transfer_params, vllm_xargs, prompt_embeds, data_parallel_rank, previous_response_id, chat_template]"
		}
		g, r := start(t, o)
		for field, value := range heldBack {
			valid := bodies[pathOf(field)]
			member := `"` + field + `":` + value
			escaped := `"\u00` + hex(field[0]) + field[1:] + `":` + value
			none := strings.Replace(valid, `"model":"llama2-7b",`, "", 1)
			for what, q := range map[string][2]string{
				"behind the model":  {pathOf(field), valid[:len(valid)-1] + "," + member + "}"},
				"before the model":  {pathOf(field), "{" + member + "," + valid[1:]},
				"escaped":           {pathOf(field), "{" + escaped + "," + valid[1:]},
				"model in the path": {behind("llama2-7b", pathOf(field)), "{" + member + "," + none[1:]},
			} {
				before := len(r.all())
				a := post(t, g, q[0], q[1])
				if !allowed {
					f := wantFailure(t, field+" "+what, a, http.StatusBadRequest, "invalid_request")
					if f.Param != field {
						t.Errorf("%s %s: the error is about %q", field, what, f.Param)
					}
					wantSent(t, r, before)
				} else if len(r.all()) != before+1 || !strings.Contains(r.last(t).Body, value) {
					t.Errorf("%s %s: it did not reach the model server: %d %s", field, what, a.status, a.body)
				}
			}
		}
	}
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
