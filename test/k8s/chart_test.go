package k8s

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// chart is the folder of the chart.
const chart = "charts/token-rate-limiter"

// needs are the Secrets that an operator makes before the chart is installed with a
// file of values, as arguments of kubectl create.
var needs = map[string][][]string{
	"external-redis": {
		{"secret", "generic", "gateway-secrets", "--from-literal=REDIS_PASSWORD=secret"},
		{"secret", "generic", "redis-ca", "--from-literal=ca.crt=certificate"},
	},
	"control-database": {
		{"secret", "generic", "gateway-secrets", "--from-literal=REDIS_PASSWORD=secret", "--from-literal=DATABASE_URL=postgres://gateway@postgres.example.com/control?sslmode=verify-full&sslrootcert=/etc/token-rate-limiter-database/ca.crt"},
		{"secret", "generic", "postgres-ca", "--from-literal=ca.crt=certificate"},
	},
	"tls": {{"secret", "generic", "gateway-tls", "--from-literal=tls.crt=certificate", "--from-literal=tls.key=key"}},
}

// TestChart installs, changes, takes back and removes the chart with each of the value
// files in its folder ci.
func TestChart(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions()
	files, err := filepath.Glob(filepath.Join(root, chart, "ci/*-values.yaml"))
	if err != nil || len(files) < 7 {
		t.Fatalf("the chart has the value files %v (%v)", files, err)
	}
	for _, values := range files {
		name := strings.TrimSuffix(filepath.Base(values), "-values.yaml")
		t.Run(name, func(t *testing.T) {
			r := release{c.in(t), "gateway", "chart-" + name, values}
			r.kubectl("create", "namespace", r.namespace)
			for _, args := range needs[name] {
				r.kubectl(append([]string{"create", "-n", r.namespace}, args...)...)
			}
			r.live()
		})
	}
}

// release is the chart installed with one file of values, in a namespace of its own.
type release struct {
	*cluster
	name, namespace, values string
}

// live leads a release through its life.
func (r release) live() {
	r.t.Helper()
	r.helm("install", r.name, chart, "-f", r.values, "--wait")
	r.checkInstalled(r.namespace)
	r.helm("test", r.name)
	pods, secrets := r.gateway("{.spec.template}"), r.secrets()

	// A running gateway takes up the level of its log, and limits alike.
	r.helm("upgrade", r.name, chart, "-f", r.values, "--set=config.logging.level=debug", "--wait")
	if !strings.Contains(r.kubectl("get", "configmaps", "-n", r.namespace, "-o", "yaml"), "level: debug") {
		r.t.Errorf("upgraded, the configuration is as before")
	}
	if after := r.gateway("{.spec.template}"); after != pods {
		r.t.Errorf("another level of the log starts pods anew:\n%s\n%s", pods, after)
	}

	r.helm("upgrade", r.name, chart, "-f", r.values, "--set=image.tag=next", "--wait")
	r.checkInstalled(r.namespace)
	if image := r.gateway("{.spec.template.spec.containers[*].image}"); !strings.HasSuffix(image, ":next") {
		r.t.Errorf("upgraded to the tag next, the image is %s", image)
	}
	r.helm("rollback", r.name, "1", "--wait")
	r.checkInstalled(r.namespace)
	if after := r.gateway("{.spec.template}"); after != pods {
		r.t.Errorf("rolled back, the pods are not as before:\n%s\n%s", pods, after)
	}
	if after := r.secrets(); after != secrets {
		r.t.Errorf("an upgrade or a rollback has changed a Secret")
	}
	r.helm("uninstall", r.name, "--wait")
	r.checkGone()
}

// gateway returns a part of the gateway's Deployment.
func (r release) gateway(path string) string {
	r.t.Helper()
	part := r.kubectl("get", "deployments", "-n", r.namespace, "-l", "app.kubernetes.io/component=gateway", "-o", "jsonpath={.items[*]"+path[1:])
	if part == "" {
		r.t.Fatalf("the gateway's Deployment has no %s", path)
	}
	return part
}

// secrets returns what the Secrets of the release hold, but for helm's own.
func (r release) secrets() string {
	r.t.Helper()
	return r.kubectl("get", "secrets", "-n", r.namespace, "--field-selector=type=Opaque", "-o", "jsonpath={.items[*].data}")
}

// helm runs helm in the namespace of the release.
func (r release) helm(args ...string) string {
	r.t.Helper()
	return r.run("helm", append(args, "-n", r.namespace, "--timeout", patience.String())...)
}

// deprecated are kinds that the API server warns of when they are asked for.
var deprecated = []string{"endpoints", "componentstatuses"}

// checkGone fails the test where an uninstalled release has left something, but for the
// volumes of its data.
func (r release) checkGone() {
	r.t.Helper()
	for _, where := range []string{"true", "false"} {
		kinds := strings.Fields(r.kubectl("api-resources", "--verbs=list", "--namespaced="+where, "-o", "name"))
		kinds = slices.DeleteFunc(kinds, func(kind string) bool { return slices.Contains(deprecated, kind) })
		left := r.kubectl("get", strings.Join(kinds, ","), "-n", r.namespace, "-l", "app.kubernetes.io/instance="+r.name,
			"--ignore-not-found", "-o", "name")
		for _, object := range strings.Fields(left) {
			if !strings.HasPrefix(object, "persistentvolumeclaim/") {
				r.t.Errorf("uninstalled, it has left %s", object)
			}
		}
	}
}
