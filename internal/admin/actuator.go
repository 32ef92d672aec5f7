package admin

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Effective is the configuration that is in effect, with secrets masked.
type Effective interface {
	// Profiles returns what was laid over it; not nil.
	Profiles() []string
	// Properties returns its values, each text, a number or a bool, by key.
	Properties() map[string]any
	// Masked returns it as YAML.
	Masked() string
}

// link is an address in Spring's form.
type link struct {
	Href      string `json:"href"`
	Templated bool   `json:"templated"`
}

// index lists what there is below /actuator, as Spring does.
func (h *Handler) index(w http.ResponseWriter, r *http.Request) {
	links := map[string]link{"health-path": {base(r) + "/actuator/health/{*path}", true}}
	for name, path := range map[string]string{
		"self": "", "health": "/health", "prometheus": "/prometheus", "info": "/info", "env": "/env",
	} {
		links[name] = link{Href: base(r) + "/actuator" + path}
	}
	reply.JSON(w, http.StatusOK, map[string]map[string]link{"_links": links})
}

// base returns the address under which the client knows the gateway; "" where it has
// not said.
func base(r *http.Request) string {
	switch {
	case r.Host == "":
		return ""
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// environment is the effective configuration in Spring's form.
type environment struct {
	ActiveProfiles  []string         `json:"activeProfiles"`
	PropertySources []propertySource `json:"propertySources"`
}

type propertySource struct {
	Name       string              `json:"name"`
	Properties map[string]property `json:"properties"`
}

type property struct {
	Value any `json:"value"`
}

// env shows the effective configuration: in Spring's form, or as YAML to whoever would
// rather have that.
func (h *Handler) env(w http.ResponseWriter, r *http.Request) {
	w.Header()["Vary"] = []string{"Accept"}
	c := h.Config()
	if prefersYAML(r.Header["Accept"]) {
		w.Header()["Content-Type"] = []string{"application/yaml"}
		// The client may have left; there is nobody to tell.
		_, _ = w.Write([]byte(c.Masked()))
		return
	}
	source := propertySource{Name: "effective configuration", Properties: map[string]property{}}
	for key, value := range c.Properties() {
		source.Properties[key] = property{value}
	}
	reply.JSON(w, http.StatusOK, environment{c.Profiles(), []propertySource{source}})
}

// prefersYAML reports whether the fields called Accept name YAML with more weight than
// JSON (RFC 9110, section 12.5.1). A client that takes anything gets JSON.
func prefersYAML(accept []string) bool {
	yaml, json, rest := 0.0, -1.0, 0.0
	for list := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, parameters, err := mime.ParseMediaType(list)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			weight = q
		}
		switch {
		case strings.HasSuffix(kind, "yaml"): // application/yaml, application/x-yaml, text/yaml
			yaml = max(yaml, weight)
		case strings.HasSuffix(kind, "json"):
			json = max(json, weight)
		case kind == "*/*" || kind == "application/*":
			rest = max(rest, weight)
		}
	}
	if json < 0 {
		json = rest
	}
	return yaml > json
}
