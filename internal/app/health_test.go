package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestHealthNamesModelsWithoutServers: the health document says which models have no
// model server, and stays UP: the others are served.
func TestHealthNamesModelsWithoutServers(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Services: `gone: {endpoints: ["http://127.0.0.1:1"]}`})
	for _, tt := range []struct {
		ill      bool
		state    string
		unserved []string
	}{
		{false, "UP", []string{"gone"}},
		{true, "DOWN", []string{"gone", apptest.Model}},
		{false, "UP", []string{"gone"}},
	} {
		g.Mock.SetUnhealthy(tt.ill)
		g.Probe(t, "/api/v1/models/"+apptest.Model+"/health") // asks it
		var told struct {
			Status     string
			Components map[string]struct {
				Status   string
				Unserved []string
			}
		}
		var status int
		apptest.Eventually(func() bool {
			var body string
			status, body = g.Probe(t, "/actuator/health")
			return json.Unmarshal([]byte(body), &told) == nil && slices.Equal(told.Components["servers"].Unserved, tt.unserved)
		})
		if c := told.Components["servers"]; status != http.StatusOK || told.Status != "UP" || c.Status != tt.state || !slices.Equal(c.Unserved, tt.unserved) {
			t.Errorf("with a model server that is ill: %v, %d and %+v", tt.ill, status, told)
		}
	}
}
