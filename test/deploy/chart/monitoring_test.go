package chart

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMonitoring keeps the chart's files the same as those of monitoring/, which Helm cannot read:
// a chart is a folder by itself.
func TestMonitoring(t *testing.T) {
	files := map[string]string{"prometheus/alert-rules.yml": "alert-rules.yml"}
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
