package monitoring_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// server is a running Prometheus.
type server struct {
	t   *testing.T
	url string
}

// startPrometheus starts one with the files of monitoring/prometheus, which scrapes a site, and sends
// alerts to the Alertmanager at an address. Of the files only this differs: targets and
// Alertmanager are told instead of found, and everything happens each second,
// so that a minute of load is enough. Ranges stay as long as they are: a rate over an hour is told
// of a counter that is a minute old, too, and is small.
func startPrometheus(t *testing.T, s *site, alertmanager string) *server {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files(t, "monitoring/prometheus/*-rules.yml") {
		write(t, filepath.Join(dir, filepath.Base(name)), strings.ReplaceAll(read(t, name), "interval: 30s", "interval: 1s"))
	}
	var targets []string
	for _, g := range s.gateways {
		targets = append(targets, g.management)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), prometheusConfig(t, targets, alertmanager))
	write(t, filepath.Join(dir, "targets.yml"), fmt.Sprintf("- targets: [%q, %q]\n", s.server, s.other))
	address := "127.0.0.1:" + deploytest.FreePort(t)
	deploytest.Start(t, deploytest.Command(nil, deploytest.Need(t, "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn"))
	p := &server{t: t, url: "http://" + address}
	deploytest.Eventually(t, "Prometheus is ready", func() bool {
		response, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return p
}

// prometheusConfig returns monitoring/prometheus/prometheus.yml for these targets of the gateways' job,
// and this Alertmanager.
func prometheusConfig(t *testing.T, targets []string, alertmanager string) string {
	t.Helper()
	var c map[string]any
	text := read(t, "monitoring/prometheus/prometheus.yml")
	if strings.Count(text, "alertmanager:9093") != 1 {
		t.Fatal("prometheus.yml has no Alertmanager")
	}
	if err := yaml.Unmarshal([]byte(strings.Replace(text, "alertmanager:9093", alertmanager, 1)), &c); err != nil {
		t.Fatal(err)
	}
	c["global"] = map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"}
	found := false
	for _, job := range c["scrape_configs"].([]any) {
		j := job.(map[string]any)
		if _, is := j["dns_sd_configs"]; is {
			found = true
			delete(j, "dns_sd_configs")
			j["static_configs"] = []any{map[string]any{"targets": targets}}
		}
		if f, is := j["file_sd_configs"]; is {
			f.([]any)[0].(map[string]any)["refresh_interval"] = "1s"
		}
	}
	if !found {
		t.Fatal("prometheus.yml has no job that finds gateways by DNS")
	}
	b, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// get asks Prometheus' API, and decodes what it calls data.
func (p *server) get(path string, query url.Values, data any) {
	p.t.Helper()
	response, err := http.Get(p.url + path + "?" + query.Encode())
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		p.t.Fatalf("%s %v: %v", path, query, err)
	}
	if answer.Status != "success" {
		p.t.Errorf("%s %v: %s", path, query, answer.Error)
	}
}

// series is what query_range answers for one.
type series struct {
	Metric map[string]string `json:"metric"`
	Values []sample          `json:"values"`
}

// sample is a time in seconds, and a number as text.
type sample [2]any

// during is a time with a step between answers.
type during struct {
	from, to time.Time
	step     time.Duration
}

// ask asks an expression for a time.
func (p *server) ask(expression string, d during) []series {
	p.t.Helper()
	var data struct{ Result []series }
	p.get("/api/v1/query_range", url.Values{
		"query": {expression}, "start": {unix(d.from)}, "end": {unix(d.to)}, "step": {fmt.Sprint(d.step.Seconds())},
	}, &data)
	return data.Result
}

func unix(at time.Time) string { return fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000) }

// labelsOf returns the labels of every metric, by its name, that there was within a time.
func (p *server) labelsOf(d during) map[string]map[string]bool {
	p.t.Helper()
	var list []map[string]string
	p.get("/api/v1/series", url.Values{"match[]": {`{__name__!=""}`}, "start": {unix(d.from)}, "end": {unix(d.to)}}, &list)
	all := map[string]map[string]bool{}
	for _, labels := range list {
		name := labels["__name__"]
		if all[name] == nil {
			all[name] = map[string]bool{}
		}
		for label := range labels {
			all[name][label] = true
		}
	}
	return all
}

// writeJSON writes a value for others to read.
func writeJSON(t *testing.T, name string, value any) {
	t.Helper()
	b, err := json.MarshalIndent(value, "", " ")
	if err == nil {
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
