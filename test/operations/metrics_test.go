package operations

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// metric is a line of testdata/metrics.txt.
type metric struct{ name, kind, labels string }

// promised returns the metrics that dashboards rely on.
func promised(t *testing.T) (list []metric) {
	t.Helper()
	b, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			list = append(list, metric{f[0], f[1], strings.Join(f[2:], " ")})
		}
	}
	return list
}

// busy sends requests that end in every way that is counted.
func busy(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	for _, body := range []string{
		chat("", `"status":500`), chat("", `"fail":"reset-before-byte"`), chat("", `"output_tokens":10`),
		chat(`,"stream":true`, `"output_tokens":10`), chat(`,"max_tokens":100`, ""), "{", `{"model":"nobody","messages":[]}`,
	} {
		g.Post(t, chatPath, "alice", body)
	}
}

// scrape returns the metrics in a format.
func scrape(t *testing.T, g *apptest.Gateway, accept string) (contentType, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/actuator/prometheus", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	response, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return response.Header.Get("Content-Type"), string(b)
}

// issuer is the configuration of one that is away, whose keys would be fetched.
const issuer = "auth: {jwt: {issuers: [{issuer: 'https://issuer.example.com', audiences: [gateway], algorithms: [RS256], " +
	"jwks-url: 'http://127.0.0.1:1/keys', map: {user: {claim: /sub}}}]}}\n"

// TestMetrics: after a busy time there is every metric that is promised, of its
// type and with its labels, and no other; and nothing that promlint minds.
func TestMetrics(t *testing.T) {
	server := redistest.Start(t)
	got := map[string]metric{}
	for name, o := range map[string]apptest.Options{"memory": {TLS: true, Server: fmt.Sprintf("data-directory: %q", t.TempDir())}, "redis": {Redis: server.Addr}, "issuer": {Auth: true, Config: issuer}} {
		o.Limits = "{max-tokens-per-minute: 120, max-requests-per-day: 100}"
		g := apptest.Start(t, o)
		busy(t, g)
		_, text := scrape(t, g, "text/plain")
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if !strings.HasPrefix(f.GetName(), "go_") && !strings.HasPrefix(f.GetName(), "process_") {
				got[f.GetName()] = metric{f.GetName(), strings.ToLower(f.GetType().String()), labels(f)}
			}
		}
	}
	want := promised(t)
	if len(want) < 20 {
		t.Fatalf("testdata/metrics.txt has %d lines only", len(want))
	}
	var list []metric
	for _, m := range got {
		list = append(list, m)
	}
	byName := func(a, b metric) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(list, byName)
	slices.SortFunc(want, byName)
	if diff := cmp.Diff(want, list, cmp.AllowUnexported(metric{})); diff != "" {
		t.Errorf("metrics (-promised +there):\n%s", diff)
	}
}

// labels returns the names of a family's labels.
func labels(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, l.GetName())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestMetricsAreDocumented: the documents for operators name every metric.
func TestMetricsAreDocumented(t *testing.T) {
	for _, file := range []string{"../../docs/operations.md", "../../docs/operations.ko.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range promised(t) {
			if !strings.Contains(string(b), "`"+m.name+"`") {
				t.Errorf("%s does not name %s", file, m.name)
			}
		}
	}
}

// TestOpenMetrics: who asks for OpenMetrics gets it, others the older text.
func TestOpenMetrics(t *testing.T) {
	g := apptest.Start(t, apptest.Options{})
	busy(t, g)
	for accept, want := range map[string]string{
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text; version=1.0.0",
		"text/plain": "text/plain; version=0.0.4",
		"*/*":        "text/plain; version=0.0.4",
	} {
		contentType, text := scrape(t, g, accept)
		if !strings.HasPrefix(contentType, want) {
			t.Errorf("%s: %s", accept, contentType)
		}
		lines := bufio.NewScanner(strings.NewReader(text))
		last, found := "", false
		for lines.Scan() {
			last = lines.Text()
			found = found || strings.HasPrefix(last, `token_usage_total{model="llama2-7b",type="output"} `)
		}
		if open := strings.Contains(want, "openmetrics"); (last == "# EOF") != open || !found {
			t.Errorf("%s: tokens counted: %v; the last line is %q", accept, found, last)
		}
	}
}
