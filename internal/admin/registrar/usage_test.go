package registrar_test

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/redis"
)

// policies are those of three models; the last one limits nothing.
func policies(t testing.TB) []*limit.Policy {
	day := []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1000}, {Meter: limit.OutputTokens, Window: limit.Minute, Max: 500}}
	return []*limit.Policy{
		limittest.Policy(t, limit.PolicyOptions{Model: "llama2-7b", User: day, MaxConcurrentPerUser: 4}),
		limittest.Policy(t, limit.PolicyOptions{Model: "gemma", User: day}),
		limittest.Policy(t, limit.PolicyOptions{Model: "free"}),
	}
}

// uses has a user use output tokens of the model with that index in the policies.
func (d *desk) uses(t testing.TB, model int, user string, tokens int64) {
	t.Helper()
	d.accounts.Settle(d.runs(t, model, user, tokens), limit.Amount{Output: tokens, Requests: 1})
}

// runs begins a request.
func (d *desk) runs(t testing.TB, model int, user string, tokens int64) *limit.Grant {
	t.Helper()
	var g limit.Grant
	var decision limit.Decision
	if err := d.accounts.Reserve(t.Context(), d.policies[model], user, limit.Amount{Output: tokens, Requests: 1}, &g, &decision); err != nil || !decision.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, decision)
	}
	return &g
}

// rows returns "user model tokens" of each row of all pages, in their order.
func (d *desk) rows(t testing.TB, query string, fields ...string) (rows []string) {
	t.Helper()
	for after := ""; ; {
		g := d.ask(t, "GET", "/usage?"+query+after, "", fields...).want(t, query, 200, "")
		for _, row := range g.body["data"].([]any) {
			r := row.(map[string]any)
			tokens := 0.0
			for _, w := range r["windows"].([]any) {
				if w := w.(map[string]any); w["window"] == "day" && w["meter"] == "tokens" {
					tokens = w["used"].(float64) + w["reserved"].(float64)
				}
			}
			rows = append(rows, fmt.Sprint(r["user"], " ", r["model"], " ", tokens))
		}
		if g.body["has_more"] != (g.at("next") != "") {
			t.Fatalf("has_more and next say two things: %s", g.text)
		}
		if g.at("next") == "" {
			return rows
		}
		after = "&after=" + url.QueryEscape(g.at("next"))
	}
}

// fill has some users use the models.
func (d *desk) fill(t testing.TB) {
	d.uses(t, 0, "alice", 10)
	d.uses(t, 0, "bob", 300)
	d.uses(t, 1, "alice", 70)
	d.uses(t, 2, "carol", 5)
	d.uses(t, 2, "", 7)
	d.runs(t, 0, "carol", 20)
}

// TestUsage asks for usage in every way.
func TestUsage(t *testing.T) {
	d := open(t, database.Options{})
	if got := d.rows(t, ""); len(got) != 0 {
		t.Errorf("at first: %q", got)
	}
	d.fill(t)
	all := []string{" free 7", "carol free 5", "alice gemma 70", "alice llama2-7b 10", "bob llama2-7b 300", "carol llama2-7b 20"}
	for query, want := range map[string][]string{
		"model=llama*":                       all[3:],
		"model=none":                         nil,
		"user=alice":                         {"alice gemma 70", "alice llama2-7b 10"},
		"user=alice&model=gemma":             {"alice gemma 70"},
		"user=nobody":                        nil,
		"user=":                              {" free 7"},
		"key=file:alice-laptop":              {"alice gemma 70", "alice llama2-7b 10"},
		"sort=tokens-per-day":                {"bob llama2-7b 300", "alice gemma 70", "carol llama2-7b 20", "alice llama2-7b 10", " free 7", "carol free 5"},
		"sort=tokens-per-day&order=asc":      {"carol free 5", " free 7", "alice llama2-7b 10", "carol llama2-7b 20", "alice gemma 70", "bob llama2-7b 300"},
		"sort=running&model=llama2-7b":       {"carol llama2-7b 20", "alice llama2-7b 10", "bob llama2-7b 300"},
		"sort=tokens-per-day&user=alice":     {"alice gemma 70", "alice llama2-7b 10"},
		"sort=output-tokens-per-minute":      {"bob llama2-7b 300", "alice gemma 70", "carol llama2-7b 20", "alice llama2-7b 10", " free 7", "carol free 5"},
		"sort=requests-per-day&model=gemma*": {"alice gemma 70"},
	} {
		for _, n := range []string{"", "&limit=1", "&limit=2"} {
			got := d.rows(t, query+n)
			if strings.HasPrefix(query, "model") || strings.HasPrefix(query, "sort=output") {
				slices.Sort(got) // as the store has them, or all alike
				want = slices.Sorted(slices.Values(want))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query+n, diff)
			}
		}
	}
	for _, n := range []string{"", "limit=1", "limit=2", "limit=5"} {
		if got := slices.Sorted(slices.Values(d.rows(t, n))); !slices.Equal(got, slices.Sorted(slices.Values(all))) {
			t.Errorf("%q: %q", n, got)
		}
	}
	g := d.ask(t, "GET", "/usage?key=file:alice-laptop", "")
	if g.at("key") != "file:alice-laptop" || g.at("user") != "alice" {
		t.Errorf("it is not told whose the key is: %s", g.text)
	}
	row := d.ask(t, "GET", "/usage?user=carol&model=llama2-7b", "").body["data"].([]any)[0].(map[string]any)
	window := row["windows"].([]any)[0].(map[string]any)
	if row["tenant"] != "default" || row["running"] != 1.0 || row["running_limit"] != 4.0 || window["reserved"] != 20.0 || window["used"] != 0.0 || window["limit"] != 1000.0 || window["remaining"] != 980.0 {
		t.Errorf("carol stands at %v", row)
	}
}

// TestUsageRefused: what cannot be understood is refused, and who may not see a key does not
// learn whose it is.
func TestUsageRefused(t *testing.T) {
	d := open(t, database.Options{})
	d.fill(t)
	next := d.ask(t, "GET", "/usage?sort=running&limit=1", "").at("next")
	for query, parameter := range map[string]string{
		"sort=tokens": "sort", "sort=": "sort", "order=asc": "order", "sort=running&order=up": "order", "limit=0": "limit", "limit=1001": "limit",
		"format=xml": "format", "format=csv&limit=3": "format", "after=x": "after", "after=" + next: "after", "sort=tokens-per-day&after=" + next: "after",
		"model=" + strings.Repeat("a", 300): "model", "user=" + strings.Repeat("a", 300): "user", "user=%ff": "user", "user=a&key=b": "key", "users=a": "users",
		"after=" + "eyJtIjoiZnJlZSIsInUiOiIiLCJwIjoieCJ9": "after", // a page that there is not
	} {
		g := d.ask(t, "GET", "/usage?"+query, "").want(t, query, 400, "invalid_request")
		if !strings.Contains(g.text, fmt.Sprintf(`"parameter":%q`, parameter)) {
			t.Errorf("%s: %s, want the parameter %s", query, g.text, parameter)
		}
	}
	for i := range 20_000 {
		d.uses(t, 0, fmt.Sprint("one of many ", i), 1)
	}
	d.ask(t, "GET", "/usage?sort=running", "").want(t, "too many to be sorted", 422, "too_many_rows")
	if got := d.rows(t, "sort=running&model=gemma"); len(got) != 1 {
		t.Errorf("of another model: %q", got)
	}
	d.ask(t, "GET", "/usage?key=none", "").want(t, "no key", 404, "key_not_found")
	for _, path := range []string{"/usage", "/slots"} {
		d.ask(t, "GET", path, "", "Key", userSecret).want(t, "a user", 403, "permission_denied")
		d.ask(t, "GET", path, "", "Key", "").want(t, "nobody", 401, "invalid_api_key")
		d.ask(t, "GET", path, "", "Key", viewSecret).want(t, "a viewer", 200, "")
		d.ask(t, "POST", path, "{}").want(t, "a POST", 405, "method_not_allowed")
	}
	if err := d.accounts.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/usage", "/usage?sort=running", "/usage?user=alice", "/usage?format=csv", "/slots"} {
		d.ask(t, "GET", path, "").want(t, path+" of a store that is away", 503, "store_unavailable")
	}
}

// TestUsageIsWithinReach: a model beyond the reach of a credential is not shown, nor told from
// one that there is not.
func TestUsageIsWithinReach(t *testing.T) {
	d := open(t, database.Options{Folder: t.TempDir()})
	d.fill(t)
	_, secret := d.create(t, `{"name":"gemma's","user":"gwen","roles":["viewer"],"models":["gem*"]}`)
	if got := d.rows(t, "", "Key", secret); !slices.Equal(got, []string{"alice gemma 70"}) {
		t.Errorf("told are %q", got)
	}
	if got := d.rows(t, "model=llama2-7b", "Key", secret); len(got) != 0 {
		t.Errorf("of a model beyond reach: %q", got)
	}
	if g := d.ask(t, "GET", "/slots", "", "Key", secret); strings.Contains(g.text, "llama") || len(g.body["data"].([]any)) != 1 {
		t.Errorf("slots: %s", g.text)
	}
	g := d.ask(t, "GET", "/usage?user=alice&format=csv", "", "Key", secret)
	if strings.Contains(g.text, "llama") || !strings.Contains(g.text, "gemma") {
		t.Errorf("CSV: %s", g.text)
	}
	// A key of the database is asked by its id.
	id, _ := d.create(t, `{"name":"bob's","user":"bob"}`)
	if got := d.rows(t, "key="+id); !slices.Equal(got, []string{"bob llama2-7b 300"}) {
		t.Errorf("by a key: %q", got)
	}
}

// TestUsageAsCSV: all rows, as spreadsheets read them, and nothing that a spreadsheet would run.
func TestUsageAsCSV(t *testing.T) {
	d := open(t, database.Options{})
	evil := []string{`=cmd|'/c calc'!A1`, `+1`, `-2`, `@SUM(A1)`, "\t=1", "\r=1", `＝1`, `a,"b";=1`, "two\r\nlines", "한글"}
	for _, user := range evil {
		d.uses(t, 0, user, 3)
	}
	for i := range 700 {
		d.uses(t, 1, fmt.Sprint("user ", i), 1)
	}
	g := d.ask(t, "GET", "/usage", "", "Accept", "text/csv").want(t, "CSV", 200, "")
	if kind := g.header.Get("Content-Type"); kind != "text/csv; charset=utf-8; header=present" {
		t.Errorf("the media type is %s", kind)
	}
	lines, err := csv.NewReader(strings.NewReader(g.text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+2*(len(evil)+700) || strings.Join(lines[0], ",") != "tenant,user,model,running,meter,window,limit,used,reserved,remaining,resets_at" {
		t.Fatalf("%d lines, the first is %q", len(lines), lines[0])
	}
	var names []string
	for _, line := range lines[1:] {
		if line[2] == "llama2-7b" && line[5] == "day" {
			names = append(names, line[1])
			if want := []string{"default", line[1], "llama2-7b", "0", "tokens", "day", "1000", "3", "0", "997"}; !slices.Equal(line[:10], want) {
				t.Errorf("a line is %q, want %q", line, want)
			}
		}
		if strings.ContainsAny(line[1][:1], "=+-@\t\r") {
			t.Errorf("a spreadsheet runs %q", line[1])
		}
	}
	want := []string{`'=cmd|'/c calc'!A1`, `'+1`, `'-2`, `'@SUM(A1)`, "'\t=1", "'\r=1", `'＝1`, `a,"b";=1`, "two\nlines", "한글"}
	slices.Sort(want)
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("the names are %q, want %q", names, want)
	}
	g = d.ask(t, "GET", "/usage?format=csv&sort=output-tokens-per-minute&model=gemma&user=user+7", "")
	if strings.Count(g.text, "\n") != 3 || !strings.Contains(g.text, "default,user 7,gemma") {
		t.Errorf("of one user: %q", g.text)
	}
}

// TestSlots tells what runs.
func TestSlots(t *testing.T) {
	d := open(t, database.Options{})
	d.fill(t)
	a := d.ask(t, "GET", "/slots?model=llama2-*", "").want(t, "slots", 200, "")
	data := a.body["data"].([]any)
	if len(data) != 1 {
		t.Fatalf("slots: %s", a.text)
	}
	slots := data[0].(map[string]any)
	request := slots["requests"].([]any)[0].(map[string]any)
	replica := slots["replicas"].([]any)[0].(map[string]any)
	if slots["running"] != 1.0 || request["user"] != "carol" || replica["self"] != true || replica["running"] != 1.0 {
		t.Errorf("slots: %s", a.text)
	}
}

// TestFreeSlots: slots of a replica that lives are not freed, nor those of one that there is
// not; those of one that was killed are.
func TestFreeSlots(t *testing.T) {
	server := redistest.Start(t)
	join := func() *redis.Store {
		s, err := redis.New(t.Context(), redis.Options{Address: server.Addr, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(t.Context()) })
		return s
	}
	d := openOn(t, database.Options{Folder: t.TempDir()}, join())
	other := desk{accounts: join(), policies: d.policies}
	d.fill(t)
	other.runs(t, 0, "dora", 5)
	if err := d.accounts.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var self, alive string
	for _, r := range d.ask(t, "GET", "/slots?model=llama2-7b", "").body["data"].([]any)[0].(map[string]any)["replicas"].([]any) {
		r := r.(map[string]any)
		if r["self"] == true {
			self = r["replica"].(string)
		} else {
			alive = r["replica"].(string)
		}
	}
	for _, query := range []string{"", "?dry_run=true"} {
		for _, id := range []string{self, alive} {
			d.ask(t, "DELETE", "/slots/"+id+query, "").want(t, "one that lives", 409, "replica_alive")
		}
		d.ask(t, "DELETE", "/slots/nobody"+query, "").want(t, "nobody", 404, "replica_not_found")
		d.ask(t, "DELETE", "/slots/"+alive+query, "", "Key", viewSecret).want(t, "a viewer", 403, "permission_denied")
	}
	if err := other.accounts.Close(t.Context()); err != nil { // its request runs on, and is not heard of
		t.Fatal(err)
	}
	field := "r:" + alive
	h, err := server.Hash("token:concurrent:{llama2-7b}")
	if err != nil {
		t.Fatal(err)
	}
	// Seven seconds pass for its lease alone.
	state := strings.Fields(h[field])
	for i, at := range []int{0, 4} {
		n, err := strconv.ParseInt(strings.TrimPrefix(state[at], "@"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		state[at] = []string{"", "@"}[i] + strconv.FormatInt(n-7000, 10)
	}
	if _, err := server.Do("HSET", "token:concurrent:{llama2-7b}", field, strings.Join(state, " ")); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"?model=llama*&dry_run=true", "?model=llama*"} {
		g := d.ask(t, "DELETE", "/slots/"+alive+query, "").want(t, "a dead one", 200, "")
		if !strings.Contains(g.text, `"models":[{"model":"llama2-7b","running":1}]`) {
			t.Errorf("%s: %s", query, g.text)
		}
	}
	g := d.ask(t, "GET", "/slots?model=llama2-7b", "")
	if slots := g.body["data"].([]any)[0].(map[string]any); slots["running"] != 1.0 {
		t.Errorf("after it: %s", g.text)
	}
	records := d.ask(t, "GET", "/audit?order=newest&limit=100", "").text
	if strings.Count(records, `"slots.free"`) != 1 || !strings.Contains(records, `"`+alive+`"`) {
		t.Errorf("the audit has not one record of it: %s", records)
	}
	if got := d.rows(t, "model=llama2-7b&sort=running&limit=1"); len(got) != 4 || got[0] != "carol llama2-7b 20" {
		t.Errorf("usage in Redis: %q", got)
	}
}
