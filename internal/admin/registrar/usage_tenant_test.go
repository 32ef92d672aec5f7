package registrar_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestUsageOfTenants: users of one name in two tenants are told apart, and who looks after a
// tenant sees that one alone, also where he names another.
func TestUsageOfTenants(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		_, tom := d.create(t, `{"name":"tom","user":"tom","tenant":"acme","roles":["tenant-admin"]}`)
		as := []string{"Authorization", "Bearer " + tom}
		long := strings.Repeat("x", 255) // too long to tell its tenant
		for i, tenant := range []string{"default", "acme", "a/b%"} {
			for _, user := range []string{"alice", "tenant:acme/alice", long} {
				d.uses(t, 0, identity.AccountOf(identity.TenantInside(tenant), user), int64(i+1))
			}
			id, _ := d.create(t, `{"name":"k","user":"alice","tenant":"`+tenant+`"}`)
			if err := d.store.Spend(t.Context(), registry.ExpenseReport{Replica: "r", Number: int64(i + 1), Expenses: []registry.Expense{
				{Day: registry.DayOf(time.Now()), Key: id, Model: "llama2-7b", Requests: 1, Input: int64(i + 1)},
			}}); err != nil {
				t.Fatal(err)
			}
		}
		d.runs(t, 0, identity.AccountOf("acme", "alice"), 0)
		d.runs(t, 0, "alice", 0)
		for _, tt := range []struct {
			query string
			by    []string
			want  string // users and what they have used
		}{
			{"tenant=acme", nil, "alice 2, tenant:acme/alice 2"},
			{"tenant=default&user=alice", nil, "alice 1"},
			{"tenant=a/b%25&user=alice", nil, "alice 3"},
			{"user=alice", nil, "alice 1"},
			{"user=alice", as, "alice 2"},
			{"sort=running", as, "alice 2, tenant:acme/alice 2"},
			{"tenant=default", as, ""},
			{"tenant=default&user=alice", as, ""},
		} {
			rows := d.rows(t, tt.query, tt.by...)
			for i := range rows {
				rows[i] = strings.Replace(rows[i], " llama2-7b", "", 1)
			}
			slices.Sort(rows)
			if got := strings.Join(rows, ", "); got != tt.want {
				t.Errorf("%s by %q: %s; want %s", tt.query, tt.by, got, tt.want)
			}
		}
		for _, query := range []string{"", "limit=1", "limit=2", "sort=tokens-per-day", "sort=running&limit=1", "sort=tokens-per-day&order=asc&limit=4"} {
			if all := d.rows(t, query); len(all) != 9 {
				t.Errorf("%q: an admin sees %q", query, all)
			}
		}
		if rows := d.rows(t, "tenant=acme&user="+long); len(rows) != 1 || !strings.HasPrefix(rows[0], long) {
			t.Errorf("of a user with a long name there is %q", rows)
		}
		for query, by := range map[string][]string{"": as, "tenant=acme": nil} {
			g := d.ask(t, "GET", "/usage/keys?"+query, "", by...)
			if rows := g.body["data"].([]any); len(rows) != 1 || rows[0].(map[string]any)["tokens"] != 2.0 || rows[0].(map[string]any)["tenant"] != "acme" {
				t.Errorf("expenses by %q: %s", by, g.text)
			}
		}
		if g := d.ask(t, "GET", "/usage/keys?tenant=default", "", as...); len(g.body["data"].([]any)) != 0 {
			t.Errorf("expenses of another tenant: %s", g.text)
		}
		if g := d.ask(t, "GET", "/slots?model=llama2-7b", "", as...); strings.Count(g.text, `"since"`) != 1 {
			t.Errorf("slots of another tenant: %s", g.text)
		}
		for _, path := range []string{"/usage?tenant=", "/usage/keys?tenant=", "/keys?tenant=", "/usage?tenant=%00"} {
			d.ask(t, "GET", path, "").want(t, path, 400, "invalid_request")
		}
	})
}
