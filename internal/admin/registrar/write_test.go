package registrar_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestHostileRequests: what is not exactly as described is refused, with the place where, changes
// nothing, and is not quoted.
func TestHostileRequests(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, _ := d.create(t, `{"name":"x","user":"alice"}`)
		before := d.everything(t)
		const keys = "/keys"
		for _, tt := range []struct {
			name, method, path, body string
			status                   int
			code, where              string // where: "KIND PLACE" of the first of errors
			fields                   []string
		}{
			{"nothing", "POST", keys, "", 400, "invalid_request", "pointer #", []string{"Content-Type", "application/json"}},
			{"no JSON", "POST", keys, "{", 400, "invalid_request", "pointer #", nil},
			{"a list", "POST", keys, `[]`, 400, "invalid_request", "pointer #", nil},
			{"null", "POST", keys, `null`, 400, "invalid_request", "pointer #", nil},
			{"two objects", "POST", keys, `{"name":"a","user":"b"}{}`, 400, "invalid_request", "pointer #", nil},
			{"an unknown member", "POST", keys, `{"name":"a","user":"b","admin":true}`, 400, "invalid_request", "pointer #/admin", nil},
			{"an unknown member that is escaped", "POST", keys, `{"a/b~ é":1}`, 400, "invalid_request", "pointer #/a~1b~0%20%C3%A9", nil},
			{"an endless unknown member", "POST", keys, `{"` + strings.Repeat("a", 5000) + `":1}`, 400, "invalid_request", "pointer #", nil},
			{"a member twice", "POST", keys, `{"name":"a","user":"b","name":"c"}`, 400, "invalid_request", "pointer #/name", nil},
			{"a member twice, written otherwise", "POST", keys, `{"name":"a","user":"b","n\u0061me":"c"}`, 400, "invalid_request", "pointer #/name", nil},
			{"a member in capitals", "POST", keys, `{"Name":"a","user":"b"}`, 400, "invalid_request", "pointer #/Name", nil},
			{"no text", "POST", keys, `{"name":1,"user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"no list", "POST", keys, `{"name":"a","user":"b","roles":"admin"}`, 400, "invalid_request", "pointer #/roles", nil},
			{"no text in a list", "POST", keys, `{"name":"a","user":"b","models":["m",1]}`, 400, "invalid_request", "pointer #/models/1", nil},
			{"no bool", "POST", keys, `{"name":"a","user":"b","act_as":"yes"}`, 400, "invalid_request", "pointer #/act_as", nil},
			{"no UTF-8", "POST", keys, "{\"name\":\"\xff\",\"user\":\"b\"}", 400, "invalid_request", "pointer #/name", nil},
			{"half a character", "POST", keys, `{"name":"\ud800","user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"a zero in a name", "POST", keys, `{"name":"a\u0000","user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"a zero in a user", "POST", keys, `{"name":"a","user":"b\u0000"}`, 400, "invalid_request", "pointer #/user", nil},
			{"no name", "POST", keys, `{"user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"no user", "POST", keys, `{"name":"a"}`, 400, "invalid_request", "pointer #/user", nil},
			{"a name that is too long", "POST", keys, `{"name":"` + strings.Repeat("a", 257) + `","user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"an unknown role", "POST", keys, `{"name":"a","user":"b","roles":["root"]}`, 400, "invalid_request", "pointer #/roles", nil},
			{"an unknown endpoint", "POST", keys, `{"name":"a","user":"b","endpoints":["x"]}`, 400, "invalid_request", "pointer #/endpoints/0", nil},
			{"no model", "POST", keys, `{"name":"a","user":"b","models":["m",""]}`, 400, "invalid_request", "pointer #/models/1", nil},
			{"no time", "POST", keys, `{"name":"a","user":"b","expires_at":"tomorrow"}`, 400, "invalid_request", "pointer #/expires_at", nil},
			{"a time beyond what JSON can say", "POST", keys, `{"name":"a","user":"b","expires_at":"9999-12-31T23:59:59-23:59"}`, 400, "invalid_request", "pointer #/expires_at", nil},
			{"the first time of all", "POST", keys, `{"name":"a","user":"b","expires_at":"0001-01-01T00:00:00Z"}`, 400, "invalid_request", "pointer #/expires_at", nil},
			{"a secret in a name", "POST", keys, `{"name":"was trl_0123456789abcdefghijKLMNOP","user":"b"}`, 400, "invalid_request", "pointer #/name", nil},
			{"a secret in a reason", "POST", keys, `{"name":"a","user":"b"}`, 400, "invalid_request", "header X-Reason", []string{"X-Reason", "found: trl_0123456789abcdefghijKLMNOP"}},
			{"a time that is over", "POST", keys, `{"name":"a","user":"b","expires_at":"2020-01-01T00:00:00Z"}`, 400, "invalid_request", "pointer #/expires_at", nil},
			{"no hash", "POST", keys, `{"name":"a","user":"b","hash":"sha256:12"}`, 400, "invalid_request", "pointer #/hash", nil},
			{"a hash in capitals", "POST", keys, `{"name":"a","user":"b","hash":"sha256:` + strings.Repeat("AB", 32) + `"}`, 400, "invalid_request", "pointer #/hash", nil},
			{"an endless hash", "POST", keys, `{"name":"a","user":"b","hash":"sha256:` + strings.Repeat("ab", 3200) + `"}`, 400, "invalid_request", "pointer #/hash", nil},
			{"a secret of one's own", "POST", keys, `{"name":"a","user":"b","secret":"x"}`, 400, "invalid_request", "pointer #/secret", nil},
			{"too large", "POST", keys, `{"name":"a","user":"b"}` + strings.Repeat(" ", 64<<10), 413, "request_too_large", "", nil},
			{"deep", "POST", keys, `{"models":` + strings.Repeat("[", 20000), 400, "invalid_request", "pointer #", nil},
			{"an empty list of models", "POST", keys, `{"name":"a","user":"b","models":[]}`, 400, "invalid_request", "pointer #/models", nil},
			{"an empty list of roles", "POST", keys, `{"name":"a","user":"b","roles":[]}`, 400, "invalid_request", "pointer #/roles", nil},
			{"a patch to an empty list", "PATCH", keys + "/" + id, `{"endpoints":[]}`, 400, "invalid_request", "pointer #/endpoints", nil},
			{"another media type", "POST", keys, `{}`, 415, "unsupported_media_type", "header Content-Type", []string{"Content-Type", "text/plain"}},
			{"no media type", "POST", keys, `{}`, 415, "unsupported_media_type", "header Content-Type", []string{"Content-Type", ""}},
			{"another charset", "POST", keys, `{}`, 415, "unsupported_media_type", "header Content-Type", []string{"Content-Type", "application/json; charset=latin1"}},
			{"a coding", "POST", keys, `{}`, 415, "unsupported_media_type", "header Content-Encoding", []string{"Content-Encoding", "gzip"}},
			{"a merge patch", "POST", keys, `{}`, 415, "unsupported_media_type", "header Content-Type", []string{"Content-Type", "application/merge-patch+json"}},
			{"an unknown parameter", "POST", keys + "?dryrun=true", `{"name":"a","user":"b"}`, 400, "invalid_request", "parameter dryrun", nil},
			{"a parameter twice", "POST", keys + "?dry_run=true&dry_run=false", `{"name":"a","user":"b"}`, 400, "invalid_request", "parameter dry_run", nil},
			{"a parameter that is empty", "POST", keys + "?dry_run", `{"name":"a","user":"b"}`, 400, "invalid_request", "parameter dry_run", nil},
			{"a parameter that is wrong", "POST", keys + "?dry_run=1", `{"name":"a","user":"b"}`, 400, "invalid_request", "parameter dry_run", nil},
			{"a query that is none", "POST", keys + "?%zz", `{"name":"a","user":"b"}`, 400, "invalid_request", "", nil},
			{"a limit of nothing", "GET", keys + "?limit=0", "", 400, "invalid_request", "parameter limit", nil},
			{"an endless limit", "GET", keys + "?limit=99999999999999999999", "", 400, "invalid_request", "parameter limit", nil},
			{"an unknown state", "GET", keys + "?state=dead", "", 400, "invalid_request", "parameter state", nil},
			{"a beginning that is none", "GET", keys + "?after=x", "", 400, "invalid_request", "parameter after", nil},
			{"a zero in a parameter", "GET", keys + "?user=a%00", "", 400, "invalid_request", "parameter user", nil},
			{"no UTF-8 in a parameter", "GET", keys + "?user=%ff", "", 400, "invalid_request", "parameter user", nil},
			{"a zero in an object", "GET", "/audit?object=a%00", "", 400, "invalid_request", "parameter object", nil},
			{"a wait for ever", "GET", "/revision?wait=1000", "", 400, "invalid_request", "parameter wait", nil},
			{"a zero in an id", "GET", keys + "/a%00", "", 404, "key_not_found", "", nil},
			{"an id that nobody has", "DELETE", keys + "/" + someID, "", 404, "key_not_found", "", nil},
			{"an id in small letters", "PATCH", keys + "/" + strings.ToLower(id), `{}`, 404, "key_not_found", "", nil},
			{"a file key that there is not", "DELETE", keys + "/file:x", "", 404, "key_not_found", "", nil},
			{"a reason that is too long", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header X-Reason", []string{"X-Reason", strings.Repeat("a", 1025)}},
			{"a reason that is no UTF-8", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header X-Reason", []string{"X-Reason", "\xff"}},
			{"a weak tag", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header If-Match", []string{"If-Match", `W/"1"`}},
			{"two tags", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header If-Match", []string{"If-Match", `"1", "2"`}},
			{"a tag without quotes", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header If-Match", []string{"If-Match", `1`}},
			{"a tag with a sign", "DELETE", keys + "/" + id, "", 400, "invalid_request", "header If-Match", []string{"If-Match", `"+1"`}},
			{"a stale tag", "DELETE", keys + "/" + id, "", 412, "stale_revision", "", []string{"If-Match", `"9"`}},
			{"an endless idempotency key", "POST", keys, `{"name":"a","user":"b"}`, 400, "invalid_request", "header Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("a", 256)}},
			{"a patch of whose it is", "PATCH", keys + "/" + id, `{"user":"eve"}`, 400, "invalid_request", "pointer #/user", nil},
			{"a patch of a secret", "PATCH", keys + "/" + id, `{"hash":"x"}`, 400, "invalid_request", "pointer #/hash", nil},
			{"a patch that takes the name away", "PATCH", keys + "/" + id, `{"name":null}`, 400, "invalid_request", "pointer #/name", nil},
			{"a patch that takes the roles away", "PATCH", keys + "/" + id, `{"roles":[]}`, 400, "invalid_request", "pointer #/roles", nil},
			{"a patch to a time that is over", "PATCH", keys + "/" + id, `{"expires_at":"2020-01-01T00:00:00Z"}`, 400, "invalid_request", "pointer #/expires_at", nil},
			{"a rotation without an overlap", "POST", keys + "/" + id + "/rotate", `{}`, 400, "invalid_request", "pointer #/overlap", nil},
			{"an overlap that is none", "POST", keys + "/" + id + "/rotate", `{"overlap":"-1s"}`, 400, "invalid_request", "pointer #/overlap", nil},
			{"an overlap of centuries", "POST", keys + "/" + id + "/rotate", `{"overlap":"9999999h"}`, 400, "invalid_request", "pointer #/overlap", nil},
			{"a secret that is cut off", "POST", keys + "/identify", `{"secret":"trl_123"}`, 400, "invalid_request", "pointer #/secret", nil},
			{"a secret of nobody", "POST", keys + "/identify", `{"secret":"` + registry.NewSecret() + `"}`, 404, "key_not_found", "", nil},
			{"another method", "PUT", keys + "/" + id, `{}`, 405, "method_not_allowed", "", nil},
			{"no credential", "DELETE", keys + "/" + id, "", 401, "invalid_api_key", "", []string{"Authorization", ""}},
			{"a user", "DELETE", keys + "/" + id, "", 403, "permission_denied", "", []string{"Key", userSecret}},
			{"who may only look", "DELETE", keys + "/" + id, "", 403, "permission_denied", "", []string{"Key", viewSecret}},
		} {
			g := d.ask(t, tt.method, tt.path, tt.body, tt.fields...).want(t, tt.name, tt.status, tt.code)
			var where string
			if list, _ := g.body["errors"].([]any); len(list) > 0 {
				for _, kind := range []string{"pointer", "parameter", "header"} {
					if place, ok := list[0].(map[string]any)[kind]; ok {
						where = kind + " " + fmt.Sprint(place)
					}
				}
			}
			if where != tt.where || len(g.text) > 1500 {
				t.Errorf("%s: it is wrong at %q, want %q: %s", tt.name, where, tt.where, g.text)
			}
		}
		if after := d.everything(t); after != before {
			t.Errorf("refused requests have changed\n%s\nto\n%s", before, after)
		}
		d.ask(t, "GET", "/keys", "", "Key", viewSecret).want(t, "who may only look", 200, "")
	})
}

// TestNobodyGivesMore: a key is given no more than its giver has, neither at once nor by a
// detour: who may not have what a key may, may not rotate it either.
func TestNobodyGivesMore(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		_, narrow := d.create(t, `{"name":"narrow","user":"nora","roles":["admin"],"models":["llama2-*"]}`)
		_, tenant := d.create(t, `{"name":"tenant","user":"tom","roles":["tenant-admin"]}`)
		admin, _ := d.create(t, `{"name":"admin","user":"ada","roles":["admin"]}`)
		small, _ := d.create(t, `{"name":"small","user":"sam","models":["llama2-7b"]}`)
		before := d.everything(t)
		for _, tt := range []struct{ name, key, method, path, body string }{
			{"all models", narrow, "POST", "/keys", `{"name":"a","user":"b"}`},
			{"another model", narrow, "POST", "/keys", `{"name":"a","user":"b","models":["*"]}`},
			{"a patch to all models", narrow, "PATCH", "/keys/" + small, `{"models":null}`},
			{"a key that may more", narrow, "POST", "/keys/" + admin + "/rotate", `{"overlap":"1h"}`},
			{"a higher role", tenant, "POST", "/keys", `{"name":"a","user":"b","roles":["admin"]}`},
			{"a patch to a higher role", tenant, "PATCH", "/keys/" + small, `{"roles":["admin"]}`},
			{"the key of a higher role", tenant, "POST", "/keys/" + admin + "/rotate", `{"overlap":"1h"}`},
			{"the end of a key of a higher role", tenant, "DELETE", "/keys/" + admin, ""},
			{"a patch of a key of a higher role", tenant, "PATCH", "/keys/" + admin, `{"roles":["user"]}`},
		} {
			d.ask(t, tt.method, tt.path, tt.body, "Key", tt.key).want(t, tt.name, 403, "permission_denied")
		}
		if after := d.everything(t); after != before {
			t.Errorf("refused requests have changed\n%s\nto\n%s", before, after)
		}
		d.ask(t, "POST", "/keys", `{"name":"a","user":"b","models":["llama2-7b"]}`, "Key", narrow).want(t, "what it has", 201, "")
		d.ask(t, "POST", "/keys", `{"name":"a","user":"b"}`, "Key", tenant).want(t, "what it has", 201, "")
		wide, _ := d.create(t, `{"name":"wide","user":"will"}`)
		d.ask(t, "DELETE", "/keys/"+wide, "", "Key", narrow).want(t, "the end of what reaches further", 200, "")
		d.ask(t, "POST", "/keys/"+small+"/rotate", `{"overlap":"1h"}`, "Key", narrow).want(t, "what it has", 200, "")
	})
}

// TestOneWins: of many changes that expect the same revision one is made.
func TestOneWins(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, _ := d.create(t, `{"name":"x","user":"alice"}`)
		const at, rounds = 20, 5
		for round := range rounds {
			tag := fmt.Sprintf("%q", fmt.Sprint(round+1))
			var made, stale atomic.Int64
			var all sync.WaitGroup
			for i := range at {
				all.Go(func() {
					method, path, body := "PATCH", "/keys/"+id, fmt.Sprintf(`{"name":"name %d of %d"}`, i, round)
					if i%2 == 0 {
						method, path, body = "POST", path+"/rotate", `{"overlap":"0s"}`
					}
					g, err := d.try(t.Context(), method, path, body, "If-Match", tag)
					switch {
					case err != nil:
						t.Error(err)
					case g.status == 200:
						made.Add(1)
					case g.want(t, "a change that is late", 412, "stale_revision").status == 412:
						stale.Add(1)
					}
				})
			}
			if all.Wait(); made.Load() != 1 || stale.Load() != at-1 {
				t.Errorf("round %d: %d of %d changes were made, %d are stale", round, made.Load(), at, stale.Load())
			}
		}
		if g := d.ask(t, "GET", "/keys/"+id, ""); g.at("revision") != fmt.Sprint(rounds+1) {
			t.Errorf("after %d changes it is %s", rounds, g.text)
		}
	})
}

// TestDryRunsChangeNothing: they tell what would be, with what would be wrong, and no secret.
func TestDryRunsChangeNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, _ := d.create(t, `{"name":"x","user":"alice"}`)
		before := d.everything(t)
		for _, tt := range []struct{ name, method, path, body, member, want string }{
			{"create", "POST", "/keys", `{"name":"y","user":"bob"}`, "user", "bob"},
			{"patch", "PATCH", "/keys/" + id, `{"name":"z"}`, "name", "z"},
			{"rotate", "POST", "/keys/" + id + "/rotate", `{"overlap":"1h"}`, "name", "x"},
			{"revoke", "DELETE", "/keys/" + id, "", "state", "revoked"},
		} {
			for _, once := range []string{"", "once"} {
				g := d.ask(t, tt.method, tt.path+"?dry_run=true", tt.body, "Idempotency-Key", once).want(t, tt.name, 200, "")
				if g.at(tt.member) != tt.want || g.at("secret") != "" || g.header.Get("Etag") != "" || g.header.Get("Location") != "" {
					t.Errorf("%s would be %v %s", tt.name, g.header, g.text)
				}
			}
		}
		d.ask(t, "PATCH", "/keys/"+id+"?dry_run=true", `{"name":"z"}`, "If-Match", `"9"`).want(t, "a stale one", 412, "stale_revision")
		d.ask(t, "POST", "/keys?dry_run=true", `{"name":"","user":"bob"}`).want(t, "a wrong one", 400, "invalid_request")
		if after := d.everything(t); after != before {
			t.Errorf("dry runs have changed\n%s\nto\n%s", before, after)
		}
		if g := d.ask(t, "PATCH", "/keys/"+id+"?dry_run=false", `{"name":"z"}`).want(t, "none", 200, ""); g.at("revision") != "2" {
			t.Errorf("what is no dry run is %s", g.text)
		}
	})
}

// TestOnce: a request with an Idempotency-Key is carried out once, however often and however
// soon it is sent; only the first answer has the secret.
func TestOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		const body = `{"name":"x","user":"alice"}`
		first := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "a b").want(t, "first", 201, "")
		again := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "a b").want(t, "again", 201, "")
		if again.at("id") != first.at("id") || first.at("secret") == "" || again.at("secret") != "" || again.header.Get("Idempotent-Replayed") != "true" ||
			again.header.Get("Location") != first.header.Get("Location") || again.header.Get("Etag") != first.header.Get("Etag") || first.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("again: %v %s after %v %s", again.header, again.text, first.header, first.text)
		}
		id := first.at("id")
		d.ask(t, "POST", "/keys", `{"name":"y","user":"alice"}`, "Idempotency-Key", "a b").want(t, "another body", 422, "idempotency_key_reused")
		d.ask(t, "POST", "/keys", `{"name":"y"}`, "Idempotency-Key", "wrong").want(t, "a wrong one", 400, "invalid_request")
		d.ask(t, "POST", "/keys", body, "Idempotency-Key", "wrong").want(t, "it is kept only where something was changed", 201, "")
		rotated := d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"1h"}`, "Idempotency-Key", "a b").want(t, "on another path", 200, "")
		again = d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"1h"}`, "Idempotency-Key", "a b").want(t, "rotated again", 200, "")
		if rotated.at("secret") == "" || again.at("secret") != "" || again.at("revision") != rotated.at("revision") {
			t.Errorf("rotated again: %s", again.text)
		}
		_, second := d.create(t, `{"name":"second","user":"root","roles":["admin"]}`)
		if g := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "a b", "Key", second).want(t, "by another key of the same user", 201, ""); g.at("id") != id {
			t.Error("another key of the same user gets another answer")
		}
		_, other := d.create(t, `{"name":"other","user":"ada","roles":["admin"]}`)
		if g := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "a b", "Key", other).want(t, "of somebody else", 201, ""); g.at("id") == id {
			t.Error("somebody else gets the key of the first")
		}
		checkOnceAtOnce(t, d, body)
	})
}

// checkOnceAtOnce sends a request many times at once, to two replicas.
func checkOnceAtOnce(t *testing.T, d *desk, body string) {
	t.Helper()
	var secrets, ids sync.Map
	var all sync.WaitGroup
	both := []*desk{d, d.another(t)}
	for i := range 30 {
		all.Go(func() {
			for end := time.Now().Add(20 * time.Second); ; {
				g, err := both[i%2].try(t.Context(), "POST", "/keys", body, "Idempotency-Key", "at once")
				if err != nil || time.Now().After(end) {
					t.Error(err, g.text)
					return
				}
				if g.status != 201 {
					g.want(t, "one that runs", 409, "request_in_progress")
					continue
				}
				ids.Store(g.at("id"), true)
				if g.at("secret") != "" {
					secrets.Store(g.at("secret"), true)
				}
				return
			}
		})
	}
	all.Wait()
	if i, s := count(&ids), count(&secrets); i != 1 || s != 1 {
		t.Errorf("a request that was sent 30 times at once made %d keys and %d secrets", i, s)
	}
}

func count(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// TestSecretsAreNowhere: a secret is in the answer that made it, and nowhere else: no other answer,
// no line of the log, nothing in the database. Nor is its hash in an answer or in the log.
func TestSecretsAreNowhere(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, first := d.create(t, `{"name":"x","user":"alice"}`)
		second := d.ask(t, "POST", "/keys/"+id+"/rotate", `{"overlap":"1h"}`, "Idempotency-Key", "a").at("secret")
		elsewhere := "elsewhere-" + registry.NewSecret()
		d.create(t, fmt.Sprintf(`{"name":"y","user":"bob","hash":"sha256:%x"}`, registry.HashOf(elsewhere)))
		var said strings.Builder
		for _, secret := range []string{first, second, elsewhere, fileSecret} {
			for _, body := range []string{`{"secret":%q}`, `{"secret":%q,"secret":%[1]q}`, `{%q:1}`, `[%q]`, `{"name":"a","user":"b","hash":%q}`, `{"name":"a","user":"b","expires_at":%q}`} {
				for _, path := range []string{"/keys/identify", "/keys"} {
					g := d.ask(t, "POST", path, fmt.Sprintf(body, secret))
					said.WriteString(g.text)
				}
			}
			for _, path := range []string{"/keys", "/keys/" + id, "/audit", "/audit/export", "/revision", "/keys?after=" + secret, "/keys?state=" + secret} {
				said.WriteString(d.ask(t, "GET", path, "").text)
			}
		}
		for _, secret := range []string{first, second, elsewhere, fileSecret} {
			hash := fmt.Sprintf("%x", registry.HashOf(secret))
			for where, all := range map[string]string{"the log": d.log.String(), "answers": said.String()} {
				if strings.Contains(all, secret) || strings.Contains(all, hash) {
					t.Errorf("%s: a secret or its hash is in %s", secret[:5], where)
				}
			}
			if strings.Contains(d.everything(t), secret) {
				t.Errorf("%s: a secret is in the database", secret[:5])
			}
		}
	})
}
