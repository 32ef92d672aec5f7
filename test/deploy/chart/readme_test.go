package chart

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestReadme keeps the chart's README what values.yaml says.
func TestReadme(t *testing.T) {
	var rows strings.Builder
	table(t, &rows, readValues(t))
	compare(t, folder+"/README.md", fmt.Sprintf(readme, rows.String()))
}

// table writes a row for each value that is described, and fails the test where one is not.
func table(t *testing.T, rows *strings.Builder, v value) {
	for _, f := range v.fields {
		switch {
		case f.doc != "" && (len(f.fields) == 0 || f.path != "config" && f.path != "models"):
			fmt.Fprintf(rows, "| `%s` | %s | %s |\n", f.path, f.preset(t), f.doc)
		case f.doc != "":
			fmt.Fprintf(rows, "| `%s` | | %s |\n", f.path, f.doc)
		case len(f.fields) == 0:
			t.Errorf("values.yaml does not describe %s", f.path)
		}
		if f.doc == "" || f.path == "config" {
			table(t, rows, f)
		}
	}
}

// preset returns what values.yaml gives, on one line.
func (v value) preset(t *testing.T) string {
	t.Helper()
	var content any
	if err := v.node.Decode(&content); err != nil {
		t.Fatal(err)
	}
	if v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!str" && v.node.Value == "" {
		return "`\"\"`"
	}
	if s, ok := content.(string); ok {
		return "`" + s + "`"
	}
	b, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return "`" + string(b) + "`"
}

const readme = `# Helm chart of the token rate limiter

<!-- Written by make manifests from the comments of values.yaml. -->

The chart installs the gateway with a Redis of its own, or with one that is there. By choice it also
deploys model servers (vLLM), routes from outside, and Prometheus with Grafana. The
[plain manifests](../../k8s/) are rendered from it.

` + "```sh" + `
helm install token-rate-limiter charts/token-rate-limiter -n model-serving --create-namespace -f my-values.yaml
helm test token-rate-limiter -n model-serving
` + "```" + `

The files of [ci/](ci/) are values to begin with: an external Redis, TLS, Ingress, Gateway API, monitoring, models on GPUs, one
gateway without Redis. Every value is checked by ` + "`values.schema.json`" + `: what is misspelt is refused before anything is installed, keys
of the gateway's configuration included.

- **What a change does.** Limits, models and keys reach running gateways by their mounted ConfigMap, without a new pod, within a minute or two. A change of what a
  gateway reads only at its start (listeners, Redis, the store, the log's format) and of ` + "`secret.data`" + ` starts the pods anew, one after the other.
- **Keys.** Their hashes stand in ` + "`config.auth.api-keys`" + `: they are no secrets, and so a key comes and goes without a restart.
- **Secrets.** Each key of the Secret is a variable of the gateway, which ` + "`config`" + ` names as ` + "`${NAME}`" + `. ` + "`helm install`" + ` makes the
  password of the bundled Redis and keeps it; with ` + "`helm template`" + ` or GitOps, name an ` + "`existingSecret`" + `.
- **Draining.** ` + "`terminationGracePeriodSeconds`" + ` is ` + "`drain-delay`, `drain-timeout`" + ` and 10 s. There is no preStop hook: the gateway itself serves on for
  ` + "`drain-delay`" + ` after SIGTERM.
- **Models on GPUs.** The arguments and caches of vLLM follow its documentation and were not run on a GPU by this project's tests.

## Values

| value | default | |
|---|---|---|
%s`
