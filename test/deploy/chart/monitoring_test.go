package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMonitoring keeps the chart's files the same as those of monitoring/, which Helm cannot read:
// a chart is a folder by itself.
func TestMonitoring(t *testing.T) {
	files := map[string]string{
		"prometheus/alert-rules.yml":                    "alert-rules.yml",
		"prometheus/recording-rules.yml":                "recording-rules.yml",
		"grafana/datasources/prometheus-datasource.yml": "prometheus-datasource.yml",
		"grafana/provisioning/dashboard-provider.yml":   "dashboard-provider.yml",
	}
	dashboards, err := filepath.Glob(root + "/monitoring/grafana/dashboards/*.json")
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("the dashboards are %v (%v)", dashboards, err)
	}
	for _, d := range dashboards {
		files["grafana/dashboards/"+filepath.Base(d)] = "dashboards/" + filepath.Base(d)
	}
	for from, to := range files {
		b, err := os.ReadFile(filepath.Join(root, "monitoring", from))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join(folder, "files", to), string(b))
	}
	for _, name := range filesOf(t, folder+"/files/dashboards") {
		if files["grafana/dashboards/"+name] == "" {
			t.Errorf("files/dashboards/%s is not in monitoring/grafana/dashboards", name)
		}
	}
}

// annotated is how much kubectl apply can keep of a manifest, as text, in its annotations.
const annotated = 256 << 10

// TestGrafana: the bundled Grafana, and one beside the release, find the dashboards and the
// bundled Prometheus, in manifests that kubectl apply takes.
func TestGrafana(t *testing.T) {
	all := render(t, "-f", "charts/token-rate-limiter/ci/monitoring-values.yaml")
	provisioning := configMap(t, all, "gateway-token-rate-limiter-grafana")
	if s := provisioning["datasources.yml"]; !strings.Contains(s, "url: http://gateway-token-rate-limiter-prometheus:9090\n") {
		t.Errorf("the data source is\n%s", s)
	}
	dashboards := configMap(t, all, "gateway-token-rate-limiter-grafana-dashboards")
	for _, file := range filesOf(t, root+"/monitoring/grafana/dashboards") {
		want, err := os.ReadFile(filepath.Join(root, "monitoring/grafana/dashboards", file))
		if err != nil {
			t.Fatal(err)
		}
		name := "gateway-token-rate-limiter-" + strings.TrimSuffix(file, ".json")
		for where, got := range map[string]string{"bundled": dashboards[file], "beside": configMap(t, all, name)[file]} {
			if strings.TrimSpace(got) != strings.TrimSpace(string(want)) {
				t.Errorf("%s: %s has %d bytes, want %d", where, file, len(got), len(want))
			}
		}
	}
	text, err := json.Marshal(dashboards)
	if err != nil || len(text) > annotated*9/10 {
		t.Errorf("the dashboards are %d bytes, and kubectl apply keeps at most %d (%v)", len(text), annotated, err)
	}
	if path := "options:\n      path: /var/lib/dashboards\n"; !strings.Contains(provisioning["dashboards.yml"], path) {
		t.Errorf("the provider is\n%s", provisioning["dashboards.yml"])
	}
}

// TestPrometheus has the bundled Prometheus' own tool check its files.
func TestPrometheus(t *testing.T) {
	for _, args := range [][]string{
		{"-f", "charts/token-rate-limiter/ci/monitoring-values.yaml"},
		{"-f", "charts/token-rate-limiter/ci/monitoring-values.yaml", "-f", "charts/token-rate-limiter/ci/gpu-models-values.yaml"},
	} {
		files := configMap(t, render(t, args...), "gateway-token-rate-limiter-prometheus")
		dir := t.TempDir()
		for _, name := range []string{"alert-rules.yml", "recording-rules.yml"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		config := write(t, "prometheus.yml", strings.ReplaceAll(files["prometheus.yml"], "/etc/prometheus/", dir+"/"))
		if out := run(t, "promtool", "check", "config", config); strings.Count(out, "rules found") != 2 || strings.Contains(out, "SUCCESS: 0 rules") {
			t.Errorf("promtool says:\n%s", out)
		}
	}
}
