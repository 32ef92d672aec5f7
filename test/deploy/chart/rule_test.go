package chart

import (
	"strings"
	"testing"
)

// TestGracePeriod wants Kubernetes to wait for both phases of a drain, and for 10 s more.
func TestGracePeriod(t *testing.T) {
	for _, c := range []struct {
		delay, timeout string
		want           int
	}{
		{"10s", "5m", 320},
		{"0s", "30s", 40},
		{"1500ms", "1m30s", 102},
		{"2s", "1h", 3612},
	} {
		rendered := render(t, "--set", "config.server.drain-delay="+c.delay, "--set", "config.server.drain-timeout="+c.timeout)
		if got := gatewayPod(t, rendered).Spec.TerminationGracePeriodSeconds; got != c.want {
			t.Errorf("%s and %s: %d s, not %d", c.delay, c.timeout, got, c.want)
		}
	}
	rendered := render(t, "--set", "profile=prod", "--set", "profileConfig.server.drain-timeout=1h")
	if got := gatewayPod(t, rendered).Spec.TerminationGracePeriodSeconds; got != 3620 {
		t.Errorf("with an hour in the profile: %d s", got)
	}
}

// TestChangesThatStartPods wants new pods for what a gateway reads at its start only, and none
// for what it takes up.
func TestChangesThatStartPods(t *testing.T) {
	before := pods(t)
	for set, starts := range map[string]bool{
		"config.token.rate-limit.models.m.max-tokens-per-minute=5": false,
		"config.vllm.services.m=http://m:8000":                     false,
		"config.logging.level=debug":                               false,
		"config.auth.api-keys[0].name=a":                           false,
		"models.llama2-7b.enabled=true":                            false,
		"config.logging.format=text":                               true,
		"config.server.drain-timeout=1m":                           true,
		"config.token.rate-limit.max-accounts=5":                   true,
		"config.redis.timeout=1s":                                  true,
		"config.management.pprof=true":                             true,
		"secret.data.A=b":                                          true,
		"image.tag=next":                                           true,
	} {
		if got := pods(t, "--set", set) != before; got != starts {
			t.Errorf("%s: new pods are %t, not %t", set, got, starts)
		}
	}
}

func gatewayPod(t *testing.T, rendered string) struct{ Spec pod } {
	t.Helper()
	return struct{ Spec pod }{named(t, rendered, "Deployment", "gateway-token-rate-limiter").Spec.Template.Spec}
}

// pods returns what the Deployment of the gateway says of its pods.
func pods(t *testing.T, args ...string) string {
	t.Helper()
	_, after, found := strings.Cut(render(t, append([]string{"--show-only", "templates/token-rate-limiter/deployment.yaml"}, args...)...), "kind: Deployment")
	if !found {
		t.Fatal("there is no Deployment")
	}
	return after
}

// TestPods looks in every pod for mistakes that Kubernetes accepts.
func TestPods(t *testing.T) {
	for name, file := range valueFiles(t) {
		for _, m := range manifests(t, render(t, "-f", file)) {
			if m.Kind != "Deployment" && m.Kind != "StatefulSet" {
				continue
			}
			for label := range m.Spec.Template.Metadata.Labels {
				if label == "helm.sh/chart" || label == "app.kubernetes.io/version" {
					t.Errorf("%s: each version of the chart starts the pods of %s anew, for the label %s", name, m.Metadata.Name, label)
				}
			}
			p := m.Spec.Template.Spec
			if p.EnableServiceLinks == nil || *p.EnableServiceLinks {
				t.Errorf("%s: Services set variables of %s", name, m.Metadata.Name)
			}
			for _, c := range p.Containers {
				if strings.HasSuffix(c.Image, ":latest") || !strings.Contains(c.Image, ":") {
					t.Errorf("%s: %s has the image %s, which is another one each day", name, m.Metadata.Name, c.Image)
				}
			}
		}
	}
}

// TestMounts wants the configuration mounted as a folder: a single file never changes.
func TestMounts(t *testing.T) {
	mounts := named(t, render(t), "Deployment", "gateway-token-rate-limiter").Spec.Template.Spec.Containers[0].VolumeMounts
	if len(mounts) == 0 {
		t.Error("nothing is mounted")
	}
	for _, m := range mounts {
		if m.SubPath != "" {
			t.Errorf("of %s only %s is mounted", m.Name, m.SubPath)
		}
	}
}

// TestReplicas leaves the number of gateways to the autoscaler, where there is one.
func TestReplicas(t *testing.T) {
	for set, want := range map[string]int{"autoscaling.enabled=true": 0, "autoscaling.enabled=false": 3} {
		got := 0
		if r := named(t, render(t, "--set", set), "Deployment", "gateway-token-rate-limiter").Spec.Replicas; r != nil {
			got = *r
		}
		if got != want {
			t.Errorf("%s: %d replicas, not %d", set, got, want)
		}
	}
}

// TestModelServersAreReachedThroughGateways: a namespace that may read metrics has no way past the limits.
func TestModelServersAreReachedThroughGateways(t *testing.T) {
	for set, open := range map[string]bool{
		"networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b":      false,
		"networkPolicy.modelMetricsFrom[0].namespaceSelector.matchLabels.a=b": true,
	} {
		_, after, found := strings.Cut(render(t, "--show-only", "templates/networkpolicy.yaml", "--set", set), "-model-servers\n")
		ingress, _, ends := strings.Cut(after, "egress:")
		if !found || !ends || strings.Contains(ingress, "namespaceSelector") != open {
			t.Errorf("%s: model servers are reached by\n%s", set, ingress)
		}
	}
}

// TestPasswordMustBeThere: without the Secret that is named nothing starts, for Redis would ask nobody for a password.
func TestPasswordMustBeThere(t *testing.T) {
	for set, optional := range map[string]bool{
		"secret.existingSecret=own":         false,
		"secret.generateRedisPassword=true": false,
		// As in k8s/, where whoever applies it makes the password.
		"secret.generateRedisPassword=false": true,
	} {
		redis := render(t, "--show-only", "templates/redis/redis-deployment.yaml", "--set", set)
		if !strings.Contains(redis, "key: REDIS_PASSWORD") || strings.Contains(redis, "optional: true") != optional {
			t.Errorf("%s: Redis takes its password by\n%s", set, redis)
		}
	}
	if strings.Contains(pods(t, "--set", "secret.existingSecret=own"), "optional: true") {
		t.Error("gateways start without the Secret that is named")
	}
}

// TestVolumesAreKept: helm removes no volume, neither with the release nor with the model that it is for.
func TestVolumesAreKept(t *testing.T) {
	const values = "charts/token-rate-limiter/ci/"
	claims := 0
	for _, document := range strings.Split(render(t, "-f", values+"monitoring-values.yaml", "-f", values+"gpu-models-values.yaml"), "\n---\n") {
		if !strings.Contains(document, "\nkind: PersistentVolumeClaim\n") {
			continue
		}
		claims++
		if !strings.Contains(document, "\n    helm.sh/resource-policy: keep\n") {
			t.Errorf("helm removes what is in\n%s", document)
		}
	}
	if claims != 4 {
		t.Errorf("there are %d claims", claims)
	}
}

// TestPasswordChanges: Redis and the gateways are started anew for another password, and Redis for no other variable.
func TestPasswordChanges(t *testing.T) {
	redis := func(args ...string) string {
		return render(t, append([]string{"--show-only", "templates/redis/redis-deployment.yaml", "--set", "secret.data.REDIS_PASSWORD=a"}, args...)...)
	}
	if redis() == redis("--set", "secret.data.REDIS_PASSWORD=b") || pods(t, "--set", "secret.data.REDIS_PASSWORD=a") == pods(t, "--set", "secret.data.REDIS_PASSWORD=b") {
		t.Error("with another password something runs on with the one before")
	}
	if redis() != redis("--set", "secret.data.OTHER=b") {
		t.Error("Redis is started anew for a variable of the gateways")
	}
}
