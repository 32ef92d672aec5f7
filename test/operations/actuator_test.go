package operations

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestEnvironmentInSpringsForm: scripts and Spring's tools read it, and no secret is in
// it in either form.
func TestEnvironmentInSpringsForm(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: keys(t), Limits: "{max-tokens-per-minute: 2000}",
		Services: "gpt-3.5-turbo: {endpoints: ['http://127.0.0.1:9'], api-key: hunter2}",
	})
	status, kind, text := getAs(t, g.Client, g.URL+"/actuator/env", "application/vnd.spring-boot.actuator.v3+json, application/json")
	var env struct {
		ActiveProfiles  []string
		PropertySources []struct {
			Name       string
			Properties map[string]struct{ Value any }
		}
	}
	if err := json.Unmarshal([]byte(text), &env); err != nil || status != http.StatusOK || kind != "application/json" || len(env.PropertySources) != 1 || env.ActiveProfiles == nil {
		t.Fatalf("%d %s %v: %s", status, kind, err, text)
	}
	properties := env.PropertySources[0].Properties
	for key, want := range map[string]any{
		"token.rate-limit.models.llama2-7b.max-tokens-per-minute": 2000.0, "vllm.services.gpt-3.5-turbo.api-key": "***",
		"auth.enabled": true, "auth.api-keys[1].user": "alice", "auth.api-keys[1].hash": "***", "server.body-timeout": "30s",
	} {
		if got := properties[key].Value; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	_, kind, yaml := getAs(t, g.Client, g.URL+"/actuator/env", "application/yaml")
	if kind != "application/yaml" || !strings.Contains(yaml, "max-tokens-per-minute: 2000\n") {
		t.Errorf("as YAML it is %s %s", kind, yaml)
	}
	if strings.Contains(text+yaml, "hunter2") || strings.Contains(text+yaml, "sha256:") {
		t.Errorf("a secret is shown: %s %s", text, yaml)
	}
}

// TestActuatorListsWhatThereIs: every link leads somewhere, where the gateway is asked.
func TestActuatorListsWhatThereIs(t *testing.T) {
	apart := apptest.Start(t, apptest.Options{Auth: true, Config: keys(t) + "management: {address: '127.0.0.1:0'}\n"})
	encrypted := apptest.Start(t, apptest.Options{Auth: true, Config: keys(t), TLS: true})
	for _, at := range []struct {
		client *http.Client
		base   string
	}{{apart.Client, apart.Management(t)}, {encrypted.Client, encrypted.URL}} {
		status, _, text := getAs(t, at.client, at.base+"/actuator", "")
		var index struct {
			Links map[string]struct {
				Href      string
				Templated bool
			} `json:"_links"`
		}
		if err := json.Unmarshal([]byte(text), &index); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v: %s", status, err, text)
		}
		for _, name := range []string{"self", "health", "health-path", "info", "prometheus", "env"} {
			link, ok := index.Links[name]
			if !ok || !strings.HasPrefix(link.Href, at.base+"/actuator") || link.Templated != strings.Contains(link.Href, "{") {
				t.Errorf("%s: %+v, of %s", name, link, text)
				continue
			}
			url := strings.Replace(link.Href, "{*path}", "readiness", 1)
			if status, _, body := getAs(t, at.client, url, ""); status != http.StatusOK {
				t.Errorf("%s: %d %s", url, status, body)
			}
		}
	}
}

// getAs asks as the admin for a form, and returns the media type too.
func getAs(t *testing.T, client *http.Client, url, accept string) (status int, kind, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(b)
}
