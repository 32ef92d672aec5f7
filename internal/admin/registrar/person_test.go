package registrar_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// names returns what the items of a list are called, page after page.
func (d *desk) names(t *testing.T, path string, limit int, fields ...string) (list []string) {
	t.Helper()
	sign := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
	for after := ""; ; {
		g := d.ask(t, "GET", fmt.Sprintf("%s%slimit=%d%s", path, sign, limit, after), "", fields...).want(t, path, 200, "")
		data, _ := g.body["data"].([]any)
		for _, o := range data {
			list = append(list, fmt.Sprint(o.(map[string]any)["name"]))
		}
		if g.at("next") == "" {
			return list
		}
		if len(data) != limit || len(list) > 100 {
			t.Fatalf("a page of %d has %d, and there are more: %s", limit, len(data), g.text)
		}
		after = "&after=" + url.QueryEscape(g.at("next"))
	}
}

// TestLifeOfPeople: a tenant, a user and a role are made, changed, listed and deleted under the same
// conditions; what changes nothing leaves no trace, and the audit has the rest.
func TestLifeOfPeople(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		for _, kind := range []struct{ name, list, one, object, first, second, patch, member, becomes string }{
			{"tenant", "/tenants", "/tenants/a%2Fb%20%ED%95%9C", "tenant:a/b 한", `{"description":"x"}`, `{"disabled":true}`, `{"description":"y"}`, "disabled", "true"},
			{"user", "/tenants/default/users", "/tenants/default/users/a%2Fb", "user:default/a/b", `{"description":"x"}`, `{"disabled":true}`, `{"description":"y"}`, "disabled", "true"},
			{"role", "/roles", "/roles/reader", "role:reader", `{"permissions":["usage:read"]}`, `{"tenant_permissions":["keys:read"]}`, `{"description":"y"}`, "permissions", "[]"},
		} {
			missing := kind.name + "_not_found"
			d.ask(t, "GET", kind.one, "").want(t, "before it is there", 404, missing)
			d.ask(t, "PATCH", kind.one, kind.patch).want(t, "a patch of none", 404, missing)
			d.ask(t, "DELETE", kind.one, "").want(t, "the end of none", 404, missing)
			d.ask(t, "PUT", kind.one, kind.first, "If-Match", "*").want(t, "what must be there", 412, "stale_revision")
			d.ask(t, "PUT", kind.one, kind.first, "If-Match", `"1"`).want(t, "what must be that", 412, "stale_revision")
			before := d.everything(t)
			dry := d.ask(t, "PUT", kind.one+"?dry_run=true", kind.first).want(t, "a dry run", 200, "")
			if d.everything(t) != before || dry.header.Get("Etag") != "" {
				t.Errorf("%s: a dry run has changed something, or has a tag: %v", kind.name, dry.header)
			}
			made := d.ask(t, "PUT", kind.one, kind.first, "If-None-Match", "*", "X-Reason", "why").want(t, "make", 201, "")
			tag := made.header.Get("Etag")
			if made.header.Get("Location") != "/api/v1/admin"+kind.one || tag != fmt.Sprintf("%q", made.at("revision")) || made.at("created_at") == "" {
				t.Errorf("%s: made is %v %s", kind.name, made.header, made.text)
			}
			d.ask(t, "PUT", kind.one, kind.first, "If-None-Match", "*").want(t, "make again", 412, "already_exists")
			d.ask(t, "PUT", kind.one, kind.first, "If-None-Match", `"1"`).want(t, "another condition", 400, "invalid_request")
			d.ask(t, "PUT", kind.one, kind.first, "If-None-Match", "*", "If-Match", "*").want(t, "both", 400, "invalid_request")
			before = d.everything(t)
			for what, same := range map[string]got{
				"put": d.ask(t, "PUT", kind.one, kind.first, "If-Match", tag), "patch": d.ask(t, "PATCH", kind.one, `{}`), "look": d.ask(t, "GET", kind.one, ""),
			} {
				if same.want(t, what, 200, ""); same.text != made.text || same.header.Get("Etag") != tag {
					t.Errorf("%s: the same once more, by %s, is %v %s", kind.name, what, same.header, same.text)
				}
			}
			if d.everything(t) != before {
				t.Errorf("%s: what changes nothing leaves a trace", kind.name)
			}
			put := d.ask(t, "PUT", kind.one, kind.second, "If-Match", tag).want(t, "put", 200, "")
			if put.at(kind.member) != kind.becomes || put.at("description") != "" {
				t.Errorf("%s: what is not sent stays: %s", kind.name, put.text)
			}
			d.ask(t, "PATCH", kind.one, kind.patch, "If-Match", tag).want(t, "a stale tag", 412, "stale_revision")
			patched := d.ask(t, "PATCH", kind.one, kind.patch, "Content-Type", "application/merge-patch+json").want(t, "patch", 200, "")
			if patched.at(kind.member) != kind.becomes || patched.at("description") != "y" {
				t.Errorf("%s: patched is %s", kind.name, patched.text)
			}
			if !slices.Contains(d.names(t, kind.list, 2), made.at("name")) {
				t.Errorf("%s: it is not listed", kind.name)
			}
			d.ask(t, "DELETE", kind.one+"?dry_run=true", "").want(t, "a dry end", 200, "")
			d.ask(t, "DELETE", kind.one, "", "If-Match", tag).want(t, "a stale end", 412, "stale_revision")
			if gone := d.ask(t, "DELETE", kind.one, "").want(t, "end", 200, ""); gone.text != patched.text || gone.header.Get("Etag") != "" {
				t.Errorf("%s: its end is answered with %v %s", kind.name, gone.header, gone.text)
			}
			d.ask(t, "GET", kind.one, "").want(t, "when it is gone", 404, missing)
			var actions []string
			for _, r := range d.ask(t, "GET", "/audit?object="+url.QueryEscape(kind.object), "").body["data"].([]any) {
				actions = append(actions, fmt.Sprint(r.(map[string]any)["action"], " ", r.(map[string]any)["reason"]))
			}
			if want := fmt.Sprintf("[%[1]s.create why %[1]s.update <nil> %[1]s.update <nil> %[1]s.delete <nil>]", kind.name); fmt.Sprint(actions) != want {
				t.Errorf("the audit has %v, want %s", actions, want)
			}
		}
	})
}

// TestListsOfPeople: pages have everybody once, in the order of the names.
func TestListsOfPeople(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		for i, name := range []string{"bob", "alice", "Zoe", "김민수", "a"} {
			d.ask(t, "PUT", "/tenants/acme/users/"+url.PathEscape(name), fmt.Sprintf(`{"disabled":%t}`, i%2 == 0)).want(t, "make", 201, "")
			d.ask(t, "PUT", "/tenants/t"+fmt.Sprint(i), fmt.Sprintf(`{"disabled":%t}`, i%2 == 0)).want(t, "make", 201, "")
			d.ask(t, "PUT", "/roles/r"+fmt.Sprint(i), `{"permissions":["usage:read"]}`).want(t, "make", 201, "")
		}
		for path, want := range map[string]string{
			"/tenants/acme/users": "Zoe a alice bob 김민수", "/tenants/acme/users?disabled=true": "Zoe a bob", "/tenants/other/users": "",
			"/tenants": "t0 t1 t2 t3 t4", "/tenants?disabled=true": "t0 t2 t4", "/roles": "user viewer tenant-admin admin r0 r1 r2 r3 r4",
		} {
			for limit := 1; limit <= 10; limit++ {
				if got := strings.Join(d.names(t, path, limit), " "); got != want {
					t.Errorf("%s in pages of %d: %s, want %s", path, limit, got, want)
				}
			}
		}
	})
}

// TestOtherTenants: who has his permissions in his own tenant sees nothing of another one, changes
// nothing there, and nobody there who may more than he; nor does he lock himself out.
func TestOtherTenants(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		foreign, foreignSecret := d.create(t, `{"name":"foreign","user":"fred"}`)
		for _, tenant := range []string{"acme", "default"} {
			d.ask(t, "PUT", "/tenants/"+tenant, `{}`).want(t, "a tenant", 201, "")
		}
		d.ask(t, "PUT", "/tenants/default/users/fred", `{}`).want(t, "a user", 201, "")
		_, tom := d.create(t, `{"name":"tom","user":"tom","tenant":"acme","roles":["tenant-admin"]}`)
		d.create(t, `{"name":"boss","user":"boss","tenant":"acme","roles":["admin"]}`)
		_, one := d.create(t, `{"name":"one","user":"one","roles":["tenant-admin"]}`)
		d.ask(t, "PUT", "/roles/inspector", `{"tenant_permissions":["usage:write"]}`).want(t, "a role", 201, "")
		for _, never := range []string{"audit:read", "roles:write", "models:read", "config:read", "profiles:read"} {
			d.ask(t, "PUT", "/roles/inspector", `{"tenant_permissions":["`+never+`"]}`).want(t, never+" in a tenant", 400, "invalid_request")
		}
		_, inspector := d.create(t, `{"name":"ines","user":"ines","tenant":"acme","roles":["inspector"]}`)
		before := d.everything(t)
		for path, method := range map[string]string{"/audit": "GET", "/audit/export": "GET", "/roles/inspector": "DELETE", "/slots/x": "DELETE"} {
			d.ask(t, method, path, "", "Key", inspector).want(t, "what is of every tenant", 403, "permission_denied")
		}
		for _, tt := range []struct {
			method, path, body string
			status             int
			code               string
		}{
			{"GET", "/keys/" + foreign, "", 404, "key_not_found"},
			{"PATCH", "/keys/" + foreign, `{"name":"x"}`, 404, "key_not_found"},
			{"DELETE", "/keys/" + foreign, "", 404, "key_not_found"},
			{"POST", "/keys/" + foreign + "/rotate", `{"overlap":"0s"}`, 404, "key_not_found"},
			{"GET", "/keys/file:operator", "", 404, "key_not_found"},
			{"DELETE", "/keys/file:operator", "", 404, "key_not_found"},
			{"POST", "/keys/identify", `{"secret":"` + foreignSecret + `"}`, 404, "key_not_found"},
			{"POST", "/keys/identify", `{"secret":"` + fileSecret + `"}`, 404, "key_not_found"},
			{"POST", "/keys", `{"name":"x","user":"fred","tenant":"default"}`, 403, "permission_denied"},
			{"POST", "/keys", `{"name":"x","user":"x","roles":["admin"]}`, 403, "permission_denied"},
			{"GET", "/tenants/default", "", 404, "tenant_not_found"},
			{"PUT", "/tenants/default", `{}`, 404, "tenant_not_found"},
			{"GET", "/tenants/default/users", "", 404, "tenant_not_found"},
			{"GET", "/tenants/default/users/fred", "", 404, "user_not_found"},
			{"PATCH", "/tenants/default/users/fred", `{"disabled":true}`, 404, "user_not_found"},
			{"DELETE", "/tenants/default/users/fred", "", 404, "user_not_found"},
			{"PUT", "/tenants/acme", `{"disabled":true}`, 403, "permission_denied"},
			{"PUT", "/tenants/acme", `{"description":"mine"}`, 403, "permission_denied"},
			{"DELETE", "/tenants/acme", "", 403, "permission_denied"},
			{"PUT", "/tenants/acme/users/tom", `{"disabled":true}`, 403, "permission_denied"},
			{"PUT", "/tenants/acme/users/boss", `{"disabled":true}`, 403, "permission_denied"},
			{"PUT", "/roles/mine", `{"permissions":["audit:read"]}`, 403, "permission_denied"},
			{"GET", "/audit", "", 403, "permission_denied"},
			{"GET", "/audit/export", "", 403, "permission_denied"},
		} {
			d.ask(t, tt.method, tt.path, tt.body, "Key", tom).want(t, tt.method+" "+tt.path, tt.status, tt.code)
		}
		if d.everything(t) != before {
			t.Error("what was refused has changed something")
		}
		for query, want := range map[string]string{"/keys": "tom boss ines", "/keys?tenant=acme": "tom boss ines", "/keys?tenant=default": "", "/tenants": "acme", "/roles": "user viewer tenant-admin admin inspector"} {
			if got := strings.Join(d.names(t, query, 10, "Key", tom), " "); got != want {
				t.Errorf("%s shows him %s, want %s", query, got, want)
			}
		}
		if got := strings.Join(d.names(t, "/keys", 10, "Key", one), " "); got != "alice-laptop operator over/view foreign one" {
			t.Errorf("the tenant-admin of the default tenant sees %s", got)
		}
		if got := strings.Join(d.names(t, "/keys?tenant=acme", 10), " "); got != "tom boss ines" {
			t.Errorf("an admin sees %s of acme", got)
		}
		d.ask(t, "PUT", "/tenants/acme/users/amy", `{"disabled":true}`, "Key", tom).want(t, "his own user", 201, "")
		d.ask(t, "PATCH", "/tenants/acme/users/amy", `{"disabled":false}`, "Key", tom).want(t, "once more", 200, "")
		d.ask(t, "DELETE", "/tenants/acme/users/amy", "", "Key", tom).want(t, "and gone", 200, "")
		made := d.ask(t, "POST", "/keys", `{"name":"x","user":"amy"}`, "Key", tom).want(t, "his own key", 201, "")
		if made.at("tenant") != "acme" {
			t.Errorf("a key without a tenant is of %s", made.at("tenant"))
		}
		d.ask(t, "DELETE", "/keys/"+made.at("id"), "", "Key", tom).want(t, "the end of it", 200, "")
	})
}

// TestPeopleThatCannotBe: what is in use stays, what there always is cannot be changed, and names
// and bodies that are none are refused, whatever the database would say.
func TestPeopleThatCannotBe(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		d.ask(t, "PUT", "/roles/reader", `{"permissions":["usage:read"]}`).want(t, "a role", 201, "")
		d.ask(t, "PUT", "/tenants/acme", `{}`).want(t, "a tenant", 201, "")
		d.create(t, `{"name":"x","user":"alice","tenant":"acme","roles":["reader"]}`)
		before := d.everything(t)
		long := strings.Repeat("a", 257)
		for _, tt := range []struct {
			method, path, body string
			status             int
			code               string
		}{
			{"DELETE", "/roles/reader", "", 409, "in_use"},
			{"DELETE", "/tenants/acme", "", 409, "in_use"},
			{"PUT", "/roles/admin", `{"permissions":["usage:read"]}`, 409, "built_in"},
			{"PATCH", "/roles/user", `{"description":"x"}`, 409, "built_in"},
			{"DELETE", "/roles/viewer", "", 409, "built_in"},
			{"PUT", "/roles/Reader", `{"permissions":["usage:read"]}`, 400, "invalid_request"},
			{"GET", "/roles/Reader", "", 404, "role_not_found"},
			{"PUT", "/roles/x", `{}`, 400, "invalid_request"},
			{"PUT", "/roles/x", `{"permissions":["everything"]}`, 400, "invalid_request"},
			{"PUT", "/roles/x", `{"permissions":["usage:read","usage:read"]}`, 400, "invalid_request"},
			{"PUT", "/roles/x", `{"built_in":true}`, 400, "invalid_request"},
			{"PATCH", "/roles/reader", `{"permissions":null}`, 400, "invalid_request"},
			{"PUT", "/tenants/default", `{"disabled":true}`, 403, "permission_denied"},
			{"PUT", "/tenants/default/users/root", `{"disabled":true}`, 403, "permission_denied"},
			{"PUT", "/tenants/a%00", `{}`, 400, "invalid_request"},
			{"PUT", "/tenants/" + long, `{}`, 400, "invalid_request"},
			{"GET", "/tenants/a%00", "", 404, "tenant_not_found"},
			{"GET", "/tenants/a%00/users", "", 404, "tenant_not_found"},
			{"PUT", "/tenants/default/users/%ff", `{}`, 400, "invalid_request"},
			{"PUT", "/tenants/default/users/a%0a", `{}`, 400, "invalid_request"},
			{"PUT", "/tenants/default/users/" + long, `{}`, 400, "invalid_request"},
			{"GET", "/tenants/default/users/%ff", "", 404, "user_not_found"},
			{"DELETE", "/tenants/default/users/a%00", "", 404, "user_not_found"},
			{"PUT", "/tenants/default/users/a", `{"disabled":"yes"}`, 400, "invalid_request"},
			{"PUT", "/tenants/default/users/a", `{"disabled":true,"roles":[]}`, 400, "invalid_request"},
			{"PUT", "/tenants/default/users/a", `{"description":"` + strings.Repeat("a", 1025) + `"}`, 400, "invalid_request"},
			{"GET", "/tenants/default/users?disabled=no", "", 400, "invalid_request"},
			{"GET", "/tenants?after=%00", "", 400, "invalid_request"},
			{"GET", "/keys?tenant=a%00", "", 400, "invalid_request"},
			{"GET", "/roles?disabled=true", "", 400, "invalid_request"},
			{"POST", "/tenants", `{}`, 405, "method_not_allowed"},
			{"POST", "/keys", `{"name":"x","user":"y","roles":["writer"]}`, 400, "invalid_request"},
			{"POST", "/keys", `{"name":"x","user":"y","tenant":"a\u0000"}`, 400, "invalid_request"},
		} {
			d.ask(t, tt.method, tt.path, tt.body).want(t, tt.method+" "+tt.path+" "+tt.body, tt.status, tt.code)
		}
		if after := d.everything(t); after != before {
			t.Errorf("refused requests have changed\n%s\nto\n%s", before, after)
		}
		if g := d.ask(t, "GET", "/roles/admin", "").want(t, "a role that there always is", 200, ""); g.at("built_in") != "true" || g.header.Get("Etag") != "" || !strings.Contains(g.text, `"roles:write"`) {
			t.Errorf("admin is %v %s", g.header, g.text)
		}
	})
}

// TestPeopleWithoutADatabase: there is nobody, but for the roles that there always are.
func TestPeopleWithoutADatabase(t *testing.T) {
	d := open(t, database.Options{})
	for path, want := range map[string]string{"/tenants": "", "/tenants/default/users": "", "/roles": "user viewer tenant-admin admin"} {
		if got := strings.Join(d.names(t, path, 3), " "); got != want {
			t.Errorf("%s has %q", path, got)
		}
	}
	d.ask(t, "GET", "/tenants/default/users/alice", "").want(t, "a user", 404, "user_not_found")
	d.ask(t, "PUT", "/tenants/default/users/alice", `{"disabled":true}`).want(t, "a change", 409, "no_database")
}

// TestNobodyDisablesThoseAbove: whoever looks after a tenant locks out nobody who is more, by a
// key of the file either.
func TestNobodyDisablesThoseAbove(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		_, one := d.create(t, `{"name":"one","user":"one","roles":["tenant-admin"]}`)
		as := []string{"Authorization", "Bearer " + one, "Content-Type", "application/json"}
		for user, status := range map[string]int{"root": 403, "vera": 403, "alice": 201} { // of the file
			code := map[int]string{403: "permission_denied"}[status]
			d.ask(t, "PUT", "/tenants/default/users/"+user, `{"disabled":true}`, as...).want(t, user, status, code)
		}
	})
}
