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

// object is an answer in Spring's form, or a part of it.
type object map[string]any

// index lists what there is below /actuator, as Spring does.
func (h *Handler) index(w http.ResponseWriter, r *http.Request) {
	links := object{
		"self":        object{"href": base(r) + "/actuator", "templated": false},
		"health-path": object{"href": base(r) + "/actuator/health/{*path}", "templated": true},
	}
	for _, name := range []string{"health", "prometheus", "info", "env"} {
		links[name] = object{"href": base(r) + "/actuator/" + name, "templated": false}
	}
	reply.JSON(w, http.StatusOK, object{"_links": links})
}

// base returns the address under which the client knows the gateway; "" where it has not said.
func base(r *http.Request) string {
	switch {
	case r.Host == "":
		return ""
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// env shows the effective configuration in Spring's form, or as YAML to whoever prefers it.
func (h *Handler) env(w http.ResponseWriter, r *http.Request) {
	w.Header()["Vary"] = []string{"Accept"}
	c := h.Config()
	if prefersYAML(r.Header["Accept"]) {
		w.Header()["Content-Type"] = []string{"application/yaml"}
		// The client may have left; there is nobody to tell.
		_, _ = w.Write([]byte(c.Masked()))
		return
	}
	properties := object{}
	for key, value := range c.Properties() {
		properties[key] = object{"value": value}
	}
	source := object{"name": "effective configuration", "properties": properties}
	reply.JSON(w, http.StatusOK,
		object{"activeProfiles": c.Profiles(), "propertySources": []object{source}})
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
