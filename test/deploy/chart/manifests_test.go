package chart

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const plain = root + "/k8s"

// optional is what the names of manifests end with that need definitions which a cluster may
// not have: kubectl takes no such file of a folder.
const optional = ".optional"

// TestManifests keeps k8s/ what the chart says with k8s-values.yaml.
func TestManifests(t *testing.T) {
	files := plainFiles(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		compare(t, filepath.Join(plain, name), files[name])
	}
	for _, name := range filesOf(t, plain) {
		if _, ok := files[name]; ok {
			continue
		}
		if *update {
			if err := os.Remove(filepath.Join(plain, name)); err != nil {
				t.Error(err)
			}
			continue
		}
		t.Errorf("k8s/%s is not the chart's: run make manifests", name)
	}
}

// TestOldNames wants every file of the tree that scripts know.
func TestOldNames(t *testing.T) {
	for _, name := range strings.Fields(`
		namespace.yaml ingress.yaml networkpolicy.yaml
		redis/redis-deployment.yaml redis/redis-service.yaml redis/redis-configmap.yaml
		token-rate-limiter/deployment.yaml token-rate-limiter/service.yaml token-rate-limiter/configmap.yaml
		token-rate-limiter/secret.yaml token-rate-limiter/hpa.yaml token-rate-limiter/pdb.yaml
		vllm/llama2-7b-deployment.yaml vllm/llama2-13b-deployment.yaml vllm/model-services.yaml
		monitoring/prometheus/prometheus-deployment.yaml monitoring/prometheus/prometheus-service.yaml
		monitoring/prometheus/prometheus-configmap.yaml monitoring/grafana/grafana-deployment.yaml
		monitoring/grafana/grafana-service.yaml monitoring/grafana/dashboard-configmap.yaml
		monitoring/servicemonitor.yaml`) {
		if _, err := os.Stat(filepath.Join(plain, name)); err != nil {
			t.Error(err)
		}
	}
}

// filesOf returns the files below a folder.
func filesOf(t *testing.T, in string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(in, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(in, p)
		names = append(names, name)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return names
}

// plainFiles returns the files of k8s/ by name.
func plainFiles(t *testing.T) map[string]string {
	t.Helper()
	files := split(t, renderPlain(t), func(in string, _ string) string { return in })
	for name, content := range files {
		files[name] = "# Written by make manifests from charts/token-rate-limiter and charts/k8s-values.yaml.\n" + content
	}
	// kubectl applies files in the order of their names, and this one has to be the first. The
	// old name stays for those who apply it by itself.
	files["00-namespace.yaml"] = files["namespace.yaml"]
	for name := range maps.Keys(files) {
		if kind := path.Base(name); kind == "servicemonitor.yaml" || kind == "prometheusrule.yaml" {
			files[name+optional] = files[name]
			delete(files, name)
		}
	}
	files["monitoring/servicemonitor.yaml"] = noServiceMonitor
	files["vllm/new-model-deployment.yaml.example"] = newModel(t)
	files["Kustomization"] = kustomization(files)
	return files
}

const noServiceMonitor = `# There is nothing here to apply, so that kubectl apply -R works on a cluster without the Prometheus operator.
# Where its definitions are installed:
#   kubectl apply -f k8s/monitoring/servicemonitor.yaml.optional -f k8s/monitoring/prometheusrule.yaml.optional
`

// newModel returns the manifests of a further model, to be copied and changed.
func newModel(t *testing.T) string {
	t.Helper()
	all := split(t, renderPlain(t, "--set", "models.new-model.model=ORGANISATION/MODEL"), func(in, document string) string {
		if strings.HasPrefix(in, "vllm/") && strings.Contains(document, "app: vllm-new-model") {
			return "new"
		}
		return ""
	})
	return `# A further model: copy this file to new-model-deployment.yaml, and put the model's names in place of new-model (its public
# name) and ORGANISATION/MODEL (what vLLM loads). Apply the copy, then list the model below vllm.services and
# token.rate-limit.models in token-rate-limiter/configmap.yaml; running gateways take it up.
` + all["new"]
}

func renderPlain(t *testing.T, args ...string) string {
	t.Helper()
	return helm(t, append([]string{"template", "token-rate-limiter", "charts/token-rate-limiter", "-n", "model-serving",
		"-f", "charts/k8s-values.yaml"}, args...)...)
}

var source = regexp.MustCompile(`(?m)^# Source: token-rate-limiter/templates/(.*)\n`)

// split puts each rendered document into the file that choose names, by the template's path and
// the document; "" leaves it out. A template has the name of its file in k8s/, but for that of models,
// which has a file for each.
func split(t *testing.T, rendered string, choose func(in, document string) string) map[string]string {
	t.Helper()
	parts := map[string][]string{}
	for _, document := range strings.Split("\n"+rendered, "\n---\n") {
		from := source.FindStringSubmatch(document)
		if from == nil {
			continue
		}
		in := from[1]
		if in == "vllm/model-deployment.yaml" {
			in = fmt.Sprintf("vllm/%s-deployment.yaml", modelOf.FindStringSubmatch(document)[1])
		}
		if name := choose(in, document); name != "" {
			parts[name] = append(parts[name], tidy(source.ReplaceAllString(document, "")))
		}
	}
	files := map[string]string{}
	for name, documents := range parts {
		files[name] = strings.Join(documents, "---\n")
	}
	return files
}

var (
	modelOf  = regexp.MustCompile(`(?m)^ +app: vllm-(.*)$`)
	trailing = regexp.MustCompile(`(?m)[ \t]+$`)
)

// tidy takes away what templates leave of empty lines.
func tidy(document string) string {
	return strings.Trim(trailing.ReplaceAllString(document, ""), "\n") + "\n"
}

// kustomization lists all manifests. Its name ends in no .yaml, or kubectl apply -R would take
// it for one of them.
func kustomization(files map[string]string) string {
	var b strings.Builder
	b.WriteString("# For kubectl apply -k k8s/.\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".yaml" && name != "00-namespace.yaml" && files[name] != noServiceMonitor {
			fmt.Fprintf(&b, "  - %s\n", name)
		}
	}
	return b.String()
}
