package registrar_test

import (
	"fmt"
	"slices"
	"testing"
)

// TestAuditInBothDirections: the pages of either order have every record that is asked for, once.
func TestAuditInBothDirections(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		var of [2][]string // the revisions of each key's records
		var ids [2]string
		for i := range ids {
			ids[i], _ = d.create(t, `{"name":"k","user":"alice"}`)
			of[i] = append(of[i], fmt.Sprint(i+1))
		}
		for i := range 5 {
			g := d.ask(t, "PATCH", "/keys/"+ids[i%2], fmt.Sprintf(`{"name":"k%d"}`, i)).want(t, "patch", 200, "")
			of[i%2] = append(of[i%2], g.at("revision"))
		}
		all := []string{"1", "2", "3", "4", "5", "6", "7"}
		for query, want := range map[string][]string{"": all, "&object=" + ids[1]: of[1], "&actor=root": all, "&actor=nobody": nil} {
			for order, want := range map[string][]string{"": want, "&order=oldest": want, "&order=newest": reversed(want)} {
				for limit := 1; limit <= len(want)+1; limit++ {
					if got := d.revisions(t, query+order, limit); !slices.Equal(got, want) {
						t.Errorf("%s%s in pages of %d: %q, want %q", query, order, limit, got, want)
					}
				}
			}
		}
		for _, path := range []string{"/audit?order=latest", "/audit?order=", "/audit?order=newest&after=0"} {
			d.ask(t, "GET", path, "").want(t, path, 400, "invalid_request")
		}
	})
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// revisions returns those of all records that a query finds, page after page.
func (d *desk) revisions(t *testing.T, query string, limit int) (list []string) {
	t.Helper()
	for after := ""; ; {
		g := d.ask(t, "GET", fmt.Sprintf("/audit?limit=%d%s%s", limit, query, after), "").want(t, query, 200, "")
		data := g.body["data"].([]any)
		for _, r := range data {
			list = append(list, fmt.Sprint(r.(map[string]any)["revision"]))
		}
		if g.at("has_more") != "true" {
			return list
		}
		if len(data) != limit {
			t.Fatalf("a page of %d has %d, and there are more: %s", limit, len(data), g.text)
		}
		after = "&after=" + g.at("next")
	}
}

// TestPatchesThatChangeNothing are answered with the key as it is, and leave no trace.
func TestPatchesThatChangeNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, _ := d.create(t, `{"name":"x","user":"alice","models":["m"],"expires_at":"2099-01-31T00:00:00Z"}`)
		before, shown := d.everything(t), d.ask(t, "GET", "/keys/"+id, "")
		for _, body := range []string{
			`{}`, `{"name":"x"}`, `{"roles":["user"],"models":["m"],"endpoints":null}`, `{"expires_at":"2099-01-31T09:00:00+09:00"}`,
		} {
			for _, query := range []string{"", "?dry_run=true"} {
				g := d.ask(t, "PATCH", "/keys/"+id+query, body, "If-Match", `"1"`).want(t, body, 200, "")
				if fmt.Sprint(g.body) != fmt.Sprint(shown.body) || query == "" && g.header.Get("Etag") != `"1"` {
					t.Errorf("%s%s is answered with %s %s", body, query, g.header, g.text)
				}
			}
		}
		if after := d.everything(t); after != before {
			t.Errorf("they have changed\n%s\nto\n%s", before, after)
		}
		d.ask(t, "PATCH", "/keys/"+id, `{}`, "If-Match", `"2"`).want(t, "a stale one", 412, "stale_revision")
	})
}
