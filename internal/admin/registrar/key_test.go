package registrar_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// TestLifeOfAKey: a key is created, found, changed, rotated, and revoked, and each answer tells
// what is so from then on. What it gives is known here at once.
func TestLifeOfAKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		g := d.ask(t, "POST", "/keys", `{"name":"laptop","user":"alice","roles":["user","admin"],"act_as":true,`+
			`"models":["llama2-*"],"endpoints":["chat_completions"],"expires_at":"2099-01-31T00:00:00+09:00"}`, "X-Reason", "새 노트북").want(t, "create", 201, "")
		id, first := g.at("id"), g.at("secret")
		if registry.CheckSecret(first) != nil || !strings.HasPrefix(first, "trl_") || g.header.Get("Location") != "/api/v1/admin/keys/"+id || g.header.Get("Etag") != `"1"` {
			t.Errorf("created is %v %s", g.header, g.text)
		}
		for name, want := range map[string]string{
			"source": "database", "name": "laptop", "user": "alice", "state": "active", "roles": "[user admin]", "act_as": "true", "models": "[llama2-*]",
			"endpoints": "[chat_completions]", "expires_at": "2099-01-30T15:00:00Z", "revoked_at": "", "revision": "1",
		} {
			if g.at(name) != want {
				t.Errorf("%s is %s, want %s", name, g.at(name), want)
			}
		}
		shown := d.ask(t, "GET", "/keys/"+id, "").want(t, "show", 200, "")
		if delete(g.body, "secret"); fmt.Sprint(g.body) != fmt.Sprint(shown.body) || shown.header.Get("Etag") != `"1"` {
			t.Errorf("shown is %s", shown.text)
		}
		d.ask(t, "GET", "/keys", "", "Key", first).want(t, "its secret counts at once", 200, "")
		g = d.ask(t, "PATCH", "/keys/"+id, `{"name":"desktop","models":null,"expires_at":null}`, "Content-Type", "application/merge-patch+json", "If-Match", `"1"`).want(t, "patch", 200, "")
		if g.at("name") != "desktop" || g.at("models") != "" || g.at("expires_at") != "" || g.at("endpoints") != "[chat_completions]" || g.header.Get("Etag") != `"2"` {
			t.Errorf("changed is %s", g.text)
		}
		g = d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"24h"}`).want(t, "rotate", 200, "")
		second := g.at("secret")
		for what, secret := range map[string]string{"before": first, "after": second} {
			d.ask(t, "GET", "/keys", "", "Key", secret).want(t, "the secret "+what, 200, "")
			found := d.ask(t, "POST", "/keys/identify", fmt.Sprintf(`{"secret":%q}`, secret)).want(t, "identify "+what, 200, "")
			if found.at("id") != id || strings.Contains(found.text, secret) {
				t.Errorf("the secret %s is of %s", what, found.text)
			}
		}
		third := d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"0s"}`).want(t, "rotate at once", 200, "").at("secret")
		for what, secret := range map[string]string{"first": first, "second": second} {
			d.ask(t, "GET", "/keys", "", "Key", secret).want(t, "the secret that was ended: "+what, 401, "invalid_api_key")
		}
		for range 2 {
			g = d.ask(t, "DELETE", "/keys/"+id, "").want(t, "revoke", 200, "")
			if g.at("state") != "revoked" || g.at("revision") != "5" || g.header.Get("Etag") != `"5"` {
				t.Errorf("revoked is %s", g.text)
			}
		}
		d.ask(t, "GET", "/keys", "", "Key", third).want(t, "the secret of a revoked key", 401, "invalid_api_key")
		d.ask(t, "PATCH", "/keys/"+id, `{"name":"x"}`).want(t, "patch what is revoked", 409, "key_revoked")
		d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"0s"}`).want(t, "rotate what is revoked", 409, "key_revoked")
		if g = d.ask(t, "POST", "/keys/identify", fmt.Sprintf(`{"secret":%q}`, third)); g.at("state") != "revoked" {
			t.Errorf("a leaked secret of a revoked key is %s", g.text)
		}
		checkAudit(t, d, id)
	})
}

// checkAudit checks what the audit has of the key of TestLifeOfAKey: who, what, why and from
// where; the export has the same.
func checkAudit(t *testing.T, d *desk, id string) {
	t.Helper()
	g := d.ask(t, "GET", "/audit?object="+id, "").want(t, "audit", 200, "")
	var actions []string
	for _, r := range g.body["data"].([]any) {
		record := r.(map[string]any)
		actions = append(actions, fmt.Sprint(record["action"]))
		if record["actor"] != "root" || record["credential"] != "operator" || record["address"] != "127.0.0.1" || record["request_id"] == "" {
			t.Errorf("a record is %v", record)
		}
	}
	if got := strings.Join(actions, " "); got != "key.create key.update key.rotate key.rotate key.revoke" || !strings.Contains(g.text, "새 노트북") {
		t.Errorf("the audit has %s: %s", got, g.text)
	}
	export := d.ask(t, "GET", "/audit/export", "").want(t, "export", 200, "")
	lines := strings.Split(strings.TrimSuffix(export.text, "\n"), "\n")
	if len(lines) != 5 || !strings.Contains(g.text, lines[4]) || export.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("the export is %s", export.text)
	}
}

// TestKeysOfTheFile: they are listed, shown and identified, and cannot be changed; nor can their
// secrets be given to other keys.
func TestKeysOfTheFile(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		for _, k := range fileKeys() {
			path := "/keys/" + url.PathEscape("file:"+k.Name)
			g := d.ask(t, "GET", path, "").want(t, "show", 200, "")
			if g.at("source") != "file" || g.at("name") != k.Name || g.header.Get("Etag") != "" {
				t.Errorf("%s is %s", k.Name, g.text)
			}
			for what, g := range map[string]got{
				"patch":  d.ask(t, "PATCH", path, `{"name":"x"}`),
				"delete": d.ask(t, "DELETE", path, ""),
				"rotate": d.ask(t, "POST", path+"/rotate", `{"overlap":"1h"}`),
			} {
				g.want(t, what, 409, "owned_by_file")
			}
		}
		g := d.ask(t, "POST", "/keys/identify", fmt.Sprintf(`{"secret":%q}`, userSecret)).want(t, "identify", 200, "")
		if g.at("id") != "file:alice-laptop" {
			t.Errorf("the secret is of %s", g.text)
		}
		d.ask(t, "POST", "/keys", fmt.Sprintf(`{"name":"x","user":"eve","hash":"sha256:%x"}`, registry.HashOf(fileSecret))).want(t, "its secret", 409, "secret_taken")
	})
}

// TestPages: lists of every length have every key once, in their order, whatever is asked for.
func TestPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		want := map[string][]string{"": {"file:alice-laptop", "file:operator", "file:over/view"}}
		add := func(id string, queries ...string) {
			for _, q := range queries {
				want[q] = append(want[q], id)
			}
		}
		add("file:alice-laptop", "user=alice", "state=active", "user=alice&state=active")
		add("file:operator", "state=active")
		add("file:over/view", "state=active")
		for i := range 7 {
			user := []string{"alice", "bob"}[i%2]
			id, _ := d.create(t, fmt.Sprintf(`{"name":"k","user":%q}`, user))
			state := "state=active"
			if i%3 == 0 {
				d.ask(t, "DELETE", "/keys/"+id, "").want(t, "revoke", 200, "")
				state = "state=revoked"
			}
			add(id, "", "user="+user, state, "user="+user+"&"+state)
		}
		want["state=expired"], want["user=nobody"] = nil, nil
		for q, ids := range want {
			for limit := 1; limit <= len(ids)+2; limit++ {
				if got := d.list(t, q, limit); !slices.Equal(got, ids) {
					t.Errorf("%q in pages of %d: %q, want %q", q, limit, got, ids)
				}
			}
		}
	})
}

// list returns the ids of all keys, page after page.
func (d *desk) list(t *testing.T, query string, limit int) (ids []string) {
	t.Helper()
	for after := ""; ; {
		path := fmt.Sprintf("/keys?%s&limit=%d", query, limit)
		if after != "" {
			path += "&after=" + url.QueryEscape(after)
		}
		g := d.ask(t, "GET", strings.Replace(path, "?&", "?", 1), "").want(t, path, 200, "")
		data := g.body["data"].([]any)
		for _, k := range data {
			ids = append(ids, k.(map[string]any)["id"].(string))
		}
		if len(data) > limit || g.at("object") != "list" || g.at("has_more") != fmt.Sprint(g.at("next") != "") {
			t.Fatalf("%s: %s", path, g.text)
		}
		if after = g.at("next"); after == "" {
			return ids
		}
		if len(data) < limit {
			t.Errorf("%s: a page of %d has %d, and there are more", path, limit, len(data))
		}
	}
}

// TestWithoutADatabase: the keys of the file are shown, and what writes is refused with the
// remedy.
func TestWithoutADatabase(t *testing.T) {
	d := open(t, database.Options{})
	if got := d.list(t, "", 2); len(got) != 3 {
		t.Errorf("the list has %q", got)
	}
	for what, g := range map[string]got{
		"create": d.ask(t, "POST", "/keys", `{"name":"x","user":"y"}`),
		"revoke": d.ask(t, "DELETE", "/keys/"+someID, ""),
		"patch":  d.ask(t, "PATCH", "/keys/"+someID, `{}`),
		"rotate": d.ask(t, "POST", "/keys/"+someID+"/rotate", `{}`),
	} {
		if g.want(t, what, 409, "no_database"); !strings.Contains(g.at("detail"), "database.url") {
			t.Errorf("%s: no remedy in %s", what, g.text)
		}
	}
	d.ask(t, "GET", "/keys/"+someID, "").want(t, "show", 404, "key_not_found")
	d.ask(t, "POST", "/keys/identify", `{"secret":"`+registry.NewSecret()+`"}`).want(t, "identify", 404, "key_not_found")
	for _, path := range []string{"/audit", "/audit/export", "/revision"} {
		d.ask(t, "GET", path, "").want(t, path, 200, "")
	}
}

// someID is an id that no key has.
const someID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// TestAway: while the database is away what needs it is 503, and nothing says why in words of
// the database.
func TestAway(t *testing.T) {
	server := postgrestest.Start(t)
	d := open(t, database.Options{URL: server.URL(t, "control")})
	id, secret := d.create(t, `{"name":"x","user":"alice","roles":["admin"]}`)
	server.Kill()
	for what, g := range map[string]got{
		"create":  d.ask(t, "POST", "/keys", `{"name":"x","user":"y"}`),
		"revoke":  d.ask(t, "DELETE", "/keys/"+id, ""),
		"list":    d.ask(t, "GET", "/keys", ""),
		"show":    d.ask(t, "GET", "/keys/"+id, "", "Key", secret),
		"audit":   d.ask(t, "GET", "/audit", ""),
		"export":  d.ask(t, "GET", "/audit/export", ""),
		"replica": d.ask(t, "GET", "/revision", ""),
	} {
		if g.want(t, what, 503, "database_unavailable"); strings.Contains(g.text, "postgres") || strings.Contains(g.text, "127.0.0.1") {
			t.Errorf("%s: %s", what, g.text)
		}
	}
	server.Restart(t)
	for g := (got{}); g.status != http.StatusOK; {
		g = d.ask(t, "GET", "/keys/"+id, "")
	}
}
