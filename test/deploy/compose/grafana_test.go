package compose_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// mounted returns the files of this repository that a service has, by where they are in its
// container.
func mounted(t *testing.T, p *types.Project, s types.ServiceConfig) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, c := range s.Configs {
		files[c.Target] = p.Configs[c.Source].File
	}
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		found, err := filepath.Glob(v.Source + "/*")
		if err != nil || len(found) == 0 {
			t.Errorf("%s is empty (%v)", v.Source, err)
		}
		for _, f := range found {
			files[v.Target+"/"+filepath.Base(f)] = f
		}
	}
	return files
}

// TestGrafanaHasItsDashboards: Grafana looks for dashboards where they are, finds each of them
// and the data source that they ask, and shows one of them first.
func TestGrafanaHasItsDashboards(t *testing.T) {
	dashboards, err := filepath.Glob(deploytest.Path(t, "monitoring/grafana/dashboards/*.json"))
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("the dashboards are %v (%v)", dashboards, err)
	}
	for _, name := range []string{"monitoring", "development, watched"} {
		p := stacks[name].project(t)
		grafana := p.Services["grafana"]
		files := mounted(t, p, grafana)
		var provider struct {
			Providers []struct{ Options struct{ Path string } }
		}
		text, err := os.ReadFile(files["/etc/grafana/provisioning/dashboards/dashboard-provider.yml"])
		if err != nil || yaml.Unmarshal(text, &provider) != nil || len(provider.Providers) != 1 {
			t.Fatalf("%s: the provider is %s (%v)", name, text, err)
		}
		in := provider.Providers[0].Options.Path
		for _, d := range dashboards {
			if at := in + "/" + filepath.Base(d); files[at] != d {
				t.Errorf("%s: at %s there is %q", name, at, files[at])
			}
		}
		if files["/etc/grafana/provisioning/datasources/prometheus-datasource.yml"] == "" {
			t.Errorf("%s: there is no data source in %v", name, files)
		}
		if home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home == nil || files[*home] == "" {
			t.Errorf("%s: it begins with a dashboard that is not there: %v", name, home)
		}
	}
}
