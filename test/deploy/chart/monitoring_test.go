package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMonitoring keeps the chart's files the same as those of monitoring/, which Helm cannot read:
// a chart is a folder by itself.
func TestMonitoring(t *testing.T) {
	files := map[string]string{"prometheus/alert-rules.yml": "alert-rules.yml", "prometheus/recording-rules.yml": "recording-rules.yml"}
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
