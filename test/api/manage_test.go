package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

const (
	keysPath   = "/api/v1/admin/keys"
	keyPath    = keysPath + "/{id}"
	rotatePath = keyPath + "/rotate"
	tenantPath = "/api/v1/admin/tenants/{tenant}"
	userPath   = tenantPath + "/users/{user}"
	rolePath   = "/api/v1/admin/roles/{role}"
)

// manage asks the control plane for every kind of answer.
func manage(t *testing.T, j *judge, g *apptest.Gateway) {
	send := func(method, path, id, query, body string, status int, fields ...string) {
		t.Helper()
		j.sendTo(t, g, method, path, strings.Replace(path, "{id}", id, 1)+query, adminKey, strings.NewReader(body), status, fields...)
	}
	const full = `{"name":"laptop","user":"alice","roles":["user"],"act_as":true,"models":["llama2-*"],"endpoints":["chat_completions"],"expires_at":"2099-01-01T00:00:00Z"}`
	send("POST", keysPath, "", "?dry_run=true", full, 200)
	for _, body := range []string{full, full, `{"name":"other","user":"alice"}`} {
		send("POST", keysPath, "", "", body, map[bool]int{true: 201, false: 422}[body == full], "Idempotency-Key", "once", "X-Reason", "a test")
	}
	id := lastKey(t, g)
	send("GET", keyPath, id, "", "", 200)
	send("PATCH", keyPath, id, "?dry_run=true", `{"name":"desktop"}`, 200)
	send("PATCH", keyPath, id, "", `{"name":"desktop","models":null,"endpoints":null,"expires_at":null}`, 200, "If-Match", `"1"`)
	send("PATCH", keyPath, id, "", `{"name":"desktop"}`, 200, "Content-Type", "application/json")
	send("PATCH", keyPath, id, "", `{"name":"desktop"}`, 412, "If-Match", `"1"`)
	for range 2 {
		send("POST", rotatePath, id, "", `{"overlap":"24h"}`, 200, "Idempotency-Key", "once")
	}
	send("POST", rotatePath, id, "", `{"overlap":"0s"}`, 422, "Idempotency-Key", "once")
	send("POST", rotatePath, id, "?dry_run=true", `{"overlap":"0s"}`, 200)
	send("POST", keysPath+"/identify", "", "", fmt.Sprintf(`{"secret":%q}`, userKey), 200)
	send("POST", keysPath+"/identify", "", "", `{"secret":"nobody"}`, 404)
	send("DELETE", keyPath, id, "?dry_run=true", "", 200)
	for range 2 {
		send("DELETE", keyPath, id, "", "", 200)
	}
	for method, path := range map[string]string{"PATCH": keyPath, "POST": rotatePath} {
		body := map[string]string{"PATCH": `{"name":"x"}`, "POST": `{"overlap":"0s"}`}[method]
		send(method, path, id, "", body, 409)                             // it is revoked
		send(method, path, "file:u", "", body, 409)                       // it is the file's
		send(method, path, strings.Repeat("0", 26), "", body, 404)        // there is none
		send(method, path, id, "", strings.Repeat(" ", 65<<10)+body, 413) // it is too large
		send(method, path, id, "", body, 415, "Content-Type", "text/plain")
		send(method, path, id, "", "[]", 400)
		j.sendTo(t, g, method, path, strings.Replace(path, "{id}", id, 1), userKey, strings.NewReader(body), 403)
		j.sendTo(t, g, method, path, strings.Replace(path, "{id}", id, 1), "", strings.NewReader(body), 401)
	}
	send("GET", keysPath, "", "?user=alice&state=revoked&limit=1", "", 200)
	send("GET", keysPath, "", "?limit=1", "", 200)
	send("GET", keysPath, "", "?limit=none", "", 400)
	people(t, j, g)
	send("GET", "/api/v1/admin/audit", "", "?limit=2&order=newest&object="+id, "", 200)
	send("GET", "/api/v1/admin/audit/export", "", "?after=1", "", 200)
	send("GET", "/api/v1/admin/revision", "", "?wait=5", "", 200)
	spent(t, j, g, id)
	manageAccounts(send)
}

// atObject returns a path with names of objects that can be made.
func atObject(path string) string {
	return fill(strings.Replace(path, "{role}", "reader", 1))
}

// people makes, changes and deletes a tenant, a user and a role, in every way.
func people(t *testing.T, j *judge, g *apptest.Gateway) {
	for _, path := range []string{tenantPath, userPath, rolePath} {
		at, body := atObject(path), `{"description":"x"}`
		if path == rolePath {
			body = `{"permissions":["usage:read"],"tenant_permissions":null}`
		}
		send := func(method, query, body string, status int, fields ...string) {
			t.Helper()
			j.sendTo(t, g, method, path, at+query, adminKey, strings.NewReader(body), status, append([]string{"Content-Type", "application/json"}, fields...)...)
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			send(method, "", body, 404)
		}
		send("PUT", "?dry_run=true", body, 200)
		send("PUT", "", body, 201, "If-None-Match", "*", "X-Reason", "a test")
		send("PUT", "", body, 412, "If-None-Match", "*")
		send("PUT", "", body, 200, "If-Match", "*")
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			send(method, "", body, 412, "If-Match", `"999"`)
			send(method, "?dryrun=true", body, 400)
			for key, status := range map[string]int{"": 401, userKey: 403} {
				j.sendTo(t, g, method, path, at, key, strings.NewReader(body), status)
			}
			if method != "DELETE" {
				send(method, "", body, 415, "Content-Type", "text/plain")
				send(method, "", strings.Repeat(" ", 65<<10)+body, 413)
				send(method, "", `{"x":1}`, 400)
			}
		}
		send("PATCH", "", `{"description":null}`, 200, "Content-Type", "application/merge-patch+json")
		send("GET", "", "", 200)
		for _, list := range []string{"/api/v1/admin/tenants", tenantPath + "/users", "/api/v1/admin/roles"} {
			j.sendTo(t, g, "GET", list, fill(list)+"?limit=1", adminKey, nil, 200)
			j.sendTo(t, g, "GET", list, fill(list)+"?limit=none", adminKey, nil, 400)
		}
		if path == rolePath {
			j.sendTo(t, g, "PUT", path, fill(path), adminKey, strings.NewReader(body), 409, "Content-Type", "application/json")
		}
		send("DELETE", "", "", 200)
	}
}

// manageAccounts asks for what the store of accounts has.
func manageAccounts(send func(method, path, id, query, body string, status int, fields ...string)) {
	const usage, slots, slot, reset = "/api/v1/admin/usage", "/api/v1/admin/slots", "/api/v1/admin/slots/{replica}", "/api/v1/admin/accounts/reset"
	send("GET", usage, "", "", "", 200)
	send("GET", usage, "", "?sort=tokens-per-day&order=asc&limit=1", "", 200)
	send("GET", usage, "", "?key=file:u", "", 200)
	send("GET", usage, "", "?format=csv", "", 200)
	send("GET", usage, "", "?key=none", "", 404)
	send("GET", usage, "", "?sort=names", "", 400)
	send("GET", slots, "", "", "", 200)
	send("DELETE", slot, "", "", "", 404)
	const body = `{"user":"alice","model":"llama2-7b"}`
	send("POST", reset, "", "?dry_run=true", body, 200)
	for range 2 {
		send("POST", reset, "", "", body, 200, "Idempotency-Key", "reset")
	}
	send("POST", reset, "", "", `{"user":"bob","model":"llama2-7b"}`, 422, "Idempotency-Key", "reset")
	send("POST", reset, "", "", `{"user":"alice","model":"none"}`, 404)
	send("POST", reset, "", "", "[]", 400)
}

// lastKey returns the id of the key that was created last.
func lastKey(t *testing.T, g *apptest.Gateway) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+keysPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", adminKey)
	a, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var list struct{ Data []struct{ ID string } }
	b, err := io.ReadAll(a.Body)
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil || len(list.Data) == 0 {
		t.Fatalf("%v: %s", err, b)
	}
	return list.Data[len(list.Data)-1].ID
}

// TestChangesAreAsDescribed puts values into every member of the bodies of the control plane: the
// gateway refuses those that the document does not allow, and understands the others. What the
// document cannot say is left out: which names, times and durations there are.
func TestChangesAreAsDescribed(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Server: fmt.Sprintf("data-directory: %q", t.TempDir())})
	doc, checked := load(t), 0
	var id string
	for _, path := range []string{keysPath, keyPath, rotatePath, tenantPath, userPath, rolePath} {
		item := doc.Paths.Value(path)
		op, method := item.Post, http.MethodPost
		media, body := "application/json", map[string]any{}
		switch {
		case item.Put != nil:
			op, method = item.Put, http.MethodPut
		case op == nil:
			op, method, media = item.Patch, http.MethodPatch, "application/merge-patch+json"
		}
		content := op.RequestBody.Value.Content[media]
		example := content.Examples["short"].Value.Value.(map[string]any)
		schema := content.Schema.Value
		for _, member := range append(members(schema), "other", "Name") {
			for _, value := range append(values, `["user"]`, `["*"]`, `"2099-01-01T00:00:00Z"`, `"1h"`, `"sha256:`+strings.Repeat("0f", 32)+`"`) {
				checked++
				clear(body)
				for name, v := range example {
					body[name] = v
				}
				var plain any
				if err := json.Unmarshal([]byte(value), &plain); err != nil {
					t.Fatal(err)
				}
				body[member] = plain
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				described := schema.VisitJSON(map[string]any(body), openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation()) == nil
				status, answer := change(t, g, method, atObject(strings.Replace(path, "{id}", id, 1))+"?dry_run=true", media, string(text))
				if understood := status == http.StatusOK; understood != described && !(described && unsayable(member)) {
					t.Errorf("%s: %s of %s: the document allows it: %v; the gateway answers %d %.300s", path, member, value, described, status, answer)
				}
			}
		}
		if id == "" {
			status, answer := change(t, g, http.MethodPost, keysPath, "application/json", `{"name":"a","user":"b"}`)
			var made struct{ ID string }
			if err := json.Unmarshal(answer, &made); err != nil || status != http.StatusCreated {
				t.Fatal(status, err, string(answer))
			}
			id = made.ID
		}
	}
	if checked < 100 {
		t.Errorf("%d requests were checked only", checked)
	}
}

// unsayable reports whether only the gateway knows which texts a member may have.
func unsayable(member string) bool {
	return member == "roles" || member == "endpoints" || member == "models" || member == "tenant" || member == "overlap" || member == "expires_at"
}

// change sends a request, and returns the status and the body of its answer.
func change(t *testing.T, g *apptest.Gateway, method, path, media, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", media)
	a, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, b
}
