package monitoring_test

import (
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

var (
	answersFile = flag.String("answers", "", "file to write the answers to the expressions of each panel to, as JSON")
	duration    = flag.Duration("for", 40*time.Second, "how long the load is to last, at least")
)

// answer is what a panel's expression was answered with.
type answer struct {
	Expr   string   `json:"expr"`
	Legend string   `json:"legend"`
	Result []series `json:"result"`
}

// TestEveryExpressionIsAnswered asks a real Prometheus, which has scraped real gateways while they
// failed in every way, what the rules and the dashboards ask.
func TestEveryExpressionIsAnswered(t *testing.T) {
	s := newSite(t)
	m := startAlertmanager(t)
	p := startPrometheus(t, s, strings.TrimPrefix(m.url, "http://"))
	d := during{from: time.Now()}
	s.run(t, *duration)
	time.Sleep(2 * time.Second) // the last scrapes, and rules
	d.to = time.Now()
	d.step = max(time.Second, d.to.Sub(d.from).Round(time.Second)/100).Round(time.Second)

	there := p.labelsOf(d)
	answered := 0
	answers := func(where string, e parser.Expr) []series {
		answered++
		mustExist(t, where, namesIn(e), there)
		result := p.ask(e.String(), d)
		if !hasData(result) {
			t.Errorf("%s has no data: %s", where, e)
		}
		return result
	}
	for _, r := range rules(t) {
		q := question{r.file + ": " + r.Record + r.Alert, r.Expr}
		for _, e := range parts(parse(t, q)) {
			answers(q.where, e)
		}
	}
	for _, q := range ofRunbooks(t) {
		answers(q.where, parse(t, q))
	}
	told := map[string]map[int][]answer{}
	for name, board := range dashboards(t) {
		told[name] = map[int][]answer{}
		for _, panel := range flat(board.Panels) {
			for _, target := range panel.Targets {
				q := question{fmt.Sprintf("%s, panel %d (%s)", name, panel.ID, panel.Title), filled(target.Expr, d)}
				told[name][panel.ID] = append(told[name][panel.ID], answer{q.expr, target.LegendFormat, answers(q.where, parse(t, q))})
			}
		}
		for _, q := range board.asked(t, name) {
			q.expr = filled(q.expr, d)
			answers(q.where, parse(t, q))
		}
	}
	t.Logf("%d expressions, %d metrics", answered, len(there))
	if *answersFile != "" {
		writeJSON(t, *answersFile, told)
	}
	wantProvoked(t, p, d)
	wantSeen(t, p, d)
	wantSent(t, m)
}

// ofRunbooks returns what the runbooks have readers ask Prometheus, an expression a line. The Korean
// ones have the same.
func ofRunbooks(t *testing.T) (all []question) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(read(t, "docs/runbooks.md"), -1) {
		for line := range strings.Lines(m[1]) {
			all = append(all, question{"docs/runbooks.md", strings.TrimSpace(line)})
		}
	}
	if len(all) < 15 {
		t.Errorf("the runbooks have %d expressions only", len(all))
	}
	return all
}

// mustExist wants all that is named to be there.
func mustExist(t *testing.T, where string, n names, there map[string]map[string]bool) {
	t.Helper()
	for name, labels := range n {
		if there[name] == nil {
			t.Errorf("%s names the metric %s, which does not exist", where, name)
			continue
		}
		for label := range labels {
			if label != "namespace" && !there[name][label] { // that one is of targets in Kubernetes
				t.Errorf("%s names the label %s of %s, which has %v", where, label, name, slices.Sorted(maps.Keys(there[name])))
			}
		}
	}
}

// provoked are what the load brings about, each with a value above 0.
const provoked = `
	token_rate_limit_exceeded_total{meter="tokens",window="minute",scope="user"}
	token_rate_limit_exceeded_total{meter="tokens",window="hour",scope="user"}
	token_rate_limit_exceeded_total{meter="tokens",window="minute",scope="model"}
	token_rate_limit_exceeded_total{meter="input_tokens",window="minute",scope="user"}
	token_rate_limit_exceeded_total{meter="output_tokens",window="minute",scope="user"}
	token_rate_limit_exceeded_total{meter="requests",window="minute",scope="user"}
	token_rate_limit_exceeded_total{meter="requests",window="day",scope="user"}
	token_rate_limit_exceeded_total{meter="concurrent_requests",scope="model"}
	token_rate_limit_exceeded_total{meter="concurrent_requests",scope="user"}
	token_suppressed_total token_overrun_total token_refunded_total
	token_usage_estimated_total{reason="missing"} token_usage_estimated_total{reason="interrupted"}
	token_usage_estimated_total{reason="unreadable"} token_usage_estimated_total{reason="implausible"}
	model_request_duration_seconds_count{code="429"} model_request_duration_seconds_count{code="499"}
	model_request_duration_seconds_count{code="502"} model_request_duration_seconds_count{code="503"}
	model_request_duration_seconds_count{code="599"}
	model_upstream_errors_total circuit_breaker_state
	rate_limit_degraded rate_limit_model_refused rate_limit_store_errors_total rate_limit_store_waiting_settlements
	rate_limit_store_restored_requests_total rate_limit_store_lost_settlements_total rate_limit_accounts_full
`

// wantProvoked wants the load to have been what it is for.
func wantProvoked(t *testing.T, p *server, d during) {
	t.Helper()
	for _, selector := range strings.Fields(provoked) {
		if !hasData(p.ask("sum("+selector+") > 0", d)) {
			t.Errorf("the load has not brought about %s", selector)
		}
	}
}

// seen are the alerts that the load brings about, be it not for long enough to fire.
var seen = strings.Fields(`
	AccountsFull AnswersBreakOff AvailabilityBudgetBurnsFast AvailabilityBudgetBurnsSlowly BreakerOpen CertificateEndsSoon
	ConfigReloadFailed DebtGrows EndpointErrors EndpointUnhealthy HighTokenUsageRate ModelRefused ModelWithoutServer
	SettlementsLost StoreDegraded StoreLostData TargetDown UsageImplausible UsageMissing
`)

// wantSeen wants Prometheus to have evaluated these alerts to something, with labels that their
// texts name.
func wantSeen(t *testing.T, p *server, d during) {
	t.Helper()
	states := map[string]bool{}
	for _, s := range p.ask("ALERTS", d) {
		states[s.Metric["alertname"]] = true
	}
	for _, name := range seen {
		if !states[name] {
			t.Errorf("the alert %s has seen nothing of what has happened", name)
		}
	}
	t.Logf("alerts that have seen something: %v", slices.Sorted(maps.Keys(states)))
}

// wantSent wants what fires at once to have been sent, in words that are whole.
func wantSent(t *testing.T, m *manager) {
	t.Helper()
	deploytest.Eventually(t, "the chat is told that Redis has lost data", func() bool { return len(m.chat.list(titled("[warning] StoreLostData"))) > 0 })
	sent := m.chat.list(titled(""))
	for _, c := range sent {
		a := c.Attachments[0]
		if strings.Contains(a.Title+a.Text, "<no value>") || !strings.Contains(a.TitleLink, "docs/runbooks.md#") {
			t.Errorf("a message is not whole: %+v", a)
		}
	}
	t.Logf("%d messages to the chat; the one of lost data: %s", len(sent), m.chat.list(titled("StoreLostData"))[0].Attachments[0].Text)
}
