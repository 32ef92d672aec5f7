package registrar_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

const resetPath = "/accounts/reset"

// TestReset resets accounts: what counts is told and gone, the record is in the audit, once, and
// those who follow the database are not disturbed.
func TestReset(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		d.fill(t)
		body := `{"user":"bob","model":"llama2-7b","reason":"an experiment"}`
		g := d.ask(t, "POST", resetPath+"?dry_run=true", body).want(t, "a dry run", 200, "")
		if !strings.Contains(g.text, `"sum":300`) || g.at("revision") != "0" {
			t.Errorf("a dry run: %s", g.text)
		}
		if got := d.rows(t, "user=bob"); !slices.Equal(got, []string{"bob llama2-7b 300"}) {
			t.Fatalf("after a dry run: %q", got)
		}
		g = d.ask(t, "POST", resetPath, body, "Idempotency-Key", "once").want(t, "a reset", 200, "")
		if !strings.Contains(g.text, `"sum":300`) || g.at("revision") == "0" || g.at("repeated") != "false" {
			t.Errorf("a reset: %s", g.text)
		}
		d.uses(t, 0, "bob", 8)
		g = d.ask(t, "POST", resetPath, body, "Idempotency-Key", "once").want(t, "the same again", 200, "")
		if g.at("repeated") != "true" || g.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the same again: %s", g.text)
		}
		if got := d.rows(t, "model=llama2-7b&sort=tokens-per-day&order=asc"); !slices.Equal(got, []string{"bob llama2-7b 8", "alice llama2-7b 10", "carol llama2-7b 20"}) {
			t.Errorf("after it: %q", got)
		}
		d.ask(t, "POST", resetPath, strings.Replace(body, "bob", "alice", 1), "Idempotency-Key", "once").want(t, "another body", 422, "idempotency_key_reused")

		d.uses(t, 1, "alice", 9)
		d.ask(t, "POST", resetPath, `{"user":"alice","model":"gemma","windows":["minute"]}`, "X-Reason", "why not").want(t, "a minute", 200, "")
		if got := d.rows(t, "user=alice&model=gemma"); !slices.Equal(got, []string{"alice gemma 79"}) {
			t.Errorf("after a reset of the minute: %q", got)
		}
		records, err := d.store.Audit(t.Context(), registry.AuditQuery{Limit: 10})
		if err != nil || len(records) != 2 {
			t.Fatalf("%d records, %v; want 2", len(records), err)
		}
		if r := records[0]; r.Action != registry.ActionReset || r.Object != "llama2-7b/bob" || r.Actor != "root" || r.Reason != "an experiment" ||
			!strings.Contains(r.Before, `"used":300`) || !strings.Contains(r.After, `"windows":["minute","hour","day"]`) {
			t.Errorf("the record: %+v", r)
		}
		if _, err := registry.VerifyStore(t.Context(), d.store); err != nil {
			t.Error(err)
		}
		if err := d.follower.Follow(t.Context()); err != nil || d.follower.Revision().Number != 2 {
			t.Errorf("the follower is at %d, %v", d.follower.Revision().Number, err)
		}
		for _, line := range strings.Split(d.everything(t), "\n") {
			if strings.HasPrefix(line, "changes:") && strings.Contains(line, "bob") {
				t.Errorf("what followers are told grows by resets: %s", line)
			}
		}
		if _, secret := d.create(t, `{"name":"later","user":"bob"}`); secret == "" {
			t.Error("no key after a reset")
		}
	})
}

// TestResetWithoutDatabase: it is made, and in the log.
func TestResetWithoutDatabase(t *testing.T) {
	d := open(t, database.Options{})
	d.fill(t)
	for _, again := range []string{"false", "true"} {
		g := d.ask(t, "POST", resetPath, `{"user":"bob","model":"llama2-7b"}`, "Idempotency-Key", "x", "X-Reason", "a test").want(t, "a reset", 200, "")
		if g.at("repeated") != again || g.at("revision") != "0" {
			t.Errorf("the answer is %s", g.text)
		}
	}
	if got := d.rows(t, "user=bob"); len(got) != 0 {
		t.Errorf("after it: %q", got)
	}
	if log := d.log.String(); !strings.Contains(log, `"msg":"an account was reset","model":"llama2-7b","user":"bob","tenant":"default","credential":"operator","reason":"a test"`) {
		t.Errorf("the log is %s", log)
	}
}

// TestResetRefused: what cannot be done changes nothing, and says why.
func TestResetRefused(t *testing.T) {
	d := open(t, database.Options{Folder: t.TempDir()})
	d.fill(t)
	for body, want := range map[string]string{
		`{"model":"gemma"}`: "#/user", `{"user":"alice","model":"gemma","tenant":"a\u0000"}`: "#/tenant", `{"user":"alice","model":"gemma","windows":[]}`: "#/windows",
		`{"user":"alice","model":"gemma","windows":["week"]}`: "#/windows", `{"user":"alice","model":"gemma","other":1}`: "#/other",
		`{"user":"` + strings.Repeat("a", 300) + `","model":"gemma"}`: "#/user", `{"user":"alice","model":"gemma","reason":"a\nb"}`: "#/reason",
	} {
		if g := d.ask(t, "POST", resetPath, body).want(t, body, 400, "invalid_request"); !strings.Contains(g.text, `"pointer":"`+want+`"`) {
			t.Errorf("%s: %s, want %s", body, g.text, want)
		}
	}
	body := `{"user":"alice","model":"gemma"}`
	d.ask(t, "POST", resetPath, `{"user":"alice","model":"none"}`).want(t, "no model", 404, "model_not_found")
	d.ask(t, "POST", resetPath+"?windows=day", body).want(t, "a parameter", 400, "invalid_request")
	for _, secret := range []string{userSecret, viewSecret} {
		d.ask(t, "POST", resetPath, body, "Key", secret).want(t, "who may not", 403, "permission_denied")
	}
	_, secret := d.create(t, `{"name":"t","user":"tina","roles":["tenant-admin"]}`)
	d.ask(t, "POST", resetPath, body, "Key", secret).want(t, "a tenant's admin", 403, "permission_denied")
	_, secret = d.create(t, `{"name":"r","user":"rita","roles":["admin"],"models":["llama*"]}`)
	d.ask(t, "POST", resetPath, body, "Key", secret).want(t, "beyond reach", 404, "model_not_found")
	if got := d.rows(t, "user=alice&model=gemma"); !slices.Equal(got, []string{"alice gemma 70"}) {
		t.Errorf("after all that was refused: %q", got)
	}
	if err := d.accounts.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.ask(t, "POST", resetPath, body).want(t, "a store that is away", 503, "store_unavailable")
}

// TestResetOfTenants: an account of one tenant is reset, and not that of another one by the same
// name; who has usage:write in his own tenant resets there alone.
func TestResetOfTenants(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		for i, tenant := range []string{"", "acme"} {
			d.uses(t, 0, identity.AccountOf(tenant, "alice"), int64(10*(i+1)))
		}
		d.ask(t, "PUT", "/roles/clerk", `{"tenant_permissions":["usage:read","usage:write"]}`).want(t, "a role", 201, "")
		_, clerk := d.create(t, `{"name":"c","user":"c","tenant":"acme","roles":["clerk"]}`)
		as := []string{"Authorization", "Bearer " + clerk}
		left := func(tenant string) string { return strings.Join(d.rows(t, "user=alice&tenant="+tenant), ", ") }
		for _, tenant := range []string{"default", "other"} {
			d.ask(t, "POST", resetPath, `{"user":"alice","model":"llama2-7b","tenant":"`+tenant+`"}`, as...).want(t, tenant, 403, "permission_denied")
		}
		d.ask(t, "DELETE", "/slots/x", "", as...).want(t, "slots of all", 403, "permission_denied")
		d.ask(t, "POST", resetPath, `{"user":"alice","model":"llama2-7b"}`, as...).want(t, "the own tenant", 200, "")
		if left("acme") != "" || left("default") != "alice llama2-7b 10" {
			t.Errorf("of acme %q counts, of the default tenant %q", left("acme"), left("default"))
		}
		d.ask(t, "POST", resetPath, `{"user":"alice","model":"llama2-7b","tenant":"default"}`).want(t, "an admin's", 200, "")
		if left("default") != "" {
			t.Errorf("of the default tenant %q counts", left("default"))
		}
		records := d.ask(t, "GET", "/audit?order=newest&limit=2", "").text
		for _, object := range []string{`"object":"llama2-7b/alice"`, `"object":"llama2-7b/tenant:acme/alice"`} {
			if !strings.Contains(records, object) {
				t.Errorf("the audit has no %s: %s", object, records)
			}
		}
	})
}
