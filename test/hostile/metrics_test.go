package hostile_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestMetricsLive reads the metrics of a gateway that has served, denied and
// failed: every name is there, and promlint has nothing to say.
func TestMetricsLive(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: "{max-tokens-per-minute: 300, max-concurrent-requests: 5, default-output-tokens: 20}"})
	for _, body := range []string{
		chat, "{" + `"stream":true,` + chat[1:], behaving(`"cached_tokens":3`), behaving(`"status":500`), behaving(`"fail":"refuse-before-byte"`),
		behaving(`"status":400`), "{", strings.Replace(chat, "llama2-7b", "nobody", 1), sized(400), chat, chat,
	} {
		post(t, g, chatPath, body)
	}
	page := send(t, g, http.MethodGet, "/actuator/prometheus", nil, "")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", page.status, page.header)
	}
	problems, err := promlint.New(bytes.NewReader([]byte(page.body))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, series := range []string{
		`token_usage_total{model="llama2-7b",type="input"} `, `token_usage_total{model="llama2-7b",type="output"} `, `token_usage_total{model="llama2-7b",type="cached"} 3`,
		`token_rate_limit_exceeded_total{meter="tokens",model="llama2-7b",scope="user",window="minute"} `,
		`token_concurrent_requests{model="llama2-7b"} 0`,
		`model_request_duration_seconds_count{code="200",endpoint="chat_completions",model="llama2-7b"} `,
		`model_request_duration_seconds_count{code="429",endpoint="chat_completions",model="llama2-7b"} 2`,
		`model_request_duration_seconds_count{code="502",endpoint="chat_completions",model="llama2-7b"} 2`,
		`model_time_to_first_token_seconds_count{model="llama2-7b"} 1`, `model_time_per_output_token_seconds_count{model="llama2-7b"} 1`,
		`gateway_overhead_seconds_count 11`,
		`token_estimate_error_ratio_count{model="llama2-7b",part="input"} `, `token_estimate_error_ratio_count{model="llama2-7b",part="output"} `,
		`token_overrun_total{model="llama2-7b"} `, `token_refunded_total{model="llama2-7b"} `, `token_suppressed_total{model="llama2-7b"} `,
		`model_upstream_errors_total{endpoint="127.0.0.1:`, `rate_limit_degraded 0`, `rate_limit_accounts 1`, `rate_limit_accounts_full 0`,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains("\n"+page.body, "\n"+series) {
			t.Errorf("there is no %s", series)
		}
	}
	open := send(t, g, http.MethodGet, "/actuator/prometheus", fields{"Accept": "application/openmetrics-text; version=1.0.0"}, "")
	if !strings.HasPrefix(open.header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(open.body, "# EOF\n") {
		t.Errorf("OpenMetrics: %v", open.header)
	}
}

// TestLabelsAreOurs sends names of every kind that a client can choose, and
// finds none of them in the metrics, nor a series more.
func TestLabelsAreOurs(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeter})
	const mark = "invented-by-a-client"
	ask := func(i int) {
		name := mark + strings.Repeat("x", i)
		f := fields{"X-User-ID": name, "X-Request-ID": name, "User-Agent": name, "Traceparent": name, "Origin": name}
		send(t, g, http.MethodPost, chatPath, f, chat)
		send(t, g, http.MethodPost, chatPath, f, strings.Replace(chat, "llama2-7b", name, 1))
		send(t, g, http.MethodPost, behind(name, chatPath), f, chat)
		send(t, g, "X"+strings.ToUpper(strings.ReplaceAll(name, "-", "")), chatPath, f, "")
		send(t, g, http.MethodGet, "/"+name, f, "")
		send(t, g, http.MethodGet, "/api/v1/admin/token-usage/llama2-7b/"+name, f, "")
	}
	ask(0)
	before := seriesOf(g.Get(t, "/actuator/prometheus"))
	for i := range 50 {
		ask(i)
	}
	page := g.Get(t, "/actuator/prometheus")
	if after := seriesOf(page); after != before {
		t.Errorf("%d series have become %d", before, after)
	}
	if strings.Contains(strings.ToLower(page), mark) {
		t.Error("a label has a value that a client has chosen")
	}
}

// seriesOf counts the series of a page of metrics.
func seriesOf(page string) (n int) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// TestMetricsOfRedis reads those that only a Redis store has.
func TestMetricsOfRedis(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeter, Redis: redistest.Start(t).Addr})
	post(t, g, chatPath, chat)
	eventually(t, "the settlement is counted", func() bool {
		return strings.Contains(g.Get(t, "/actuator/prometheus"), `rate_limit_store_duration_seconds_count{operation="settle"} 1`)
	})
	page := g.Get(t, "/actuator/prometheus")
	if !strings.Contains(page, `rate_limit_store_duration_seconds_count{operation="reserve"} 1`) {
		t.Errorf("reservations are not counted:\n%s", page)
	}
	if problems, err := promlint.New(strings.NewReader(page)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
