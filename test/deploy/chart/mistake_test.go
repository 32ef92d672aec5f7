package chart

import (
	"os"
	"strings"
	"testing"
)

// TestRefused wants mistakes in values refused, by a message that names them.
func TestRefused(t *testing.T) {
	for name, m := range map[string]struct{ set, says string }{
		"a misspelt value":                  {"replicaCont=2", "replicaCont"},
		"a misspelt value further in":       {"redis.persistance.size=1Gi", "persistance"},
		"a misspelt key of the gateway":     {"config.server.drain-timout=1m", "drain-timout"},
		"a misspelt limit of a model":       {"models.llama2-7b.limits.max-token-per-minute=5", "max-token-per-minute"},
		"a misspelt key of a model":         {"models.llama2-7b.gpu=2", "gpu"},
		"a value of another kind":           {"replicaCount=many", "replicaCount"},
		"a choice that is none":             {"config.token.rate-limit.overrun=det", "overrun"},
		"a number out of bounds":            {"config.redis.port=70000", "port"},
		"a duration without a unit":         {"config.server.drain-delay=5", "drain-delay"},
		"several gateways without a store":  {"redis.enabled=false", "set replicaCount=1"},
		"several gateways in memory":        {"config.token.rate-limit.store=memory", "set replicaCount=1"},
		"two stores":                        {"externalRedis.host=r", "set redis.enabled=false"},
		"a listener of one's own":           {"config.server.address=:1", "config.server.address is the chart's"},
		"a listener of the profile's":       {"profile=a,profileConfig.management.address=:1", "config.management.address is the chart's"},
		"a misspelt key of the profile":     {"profileConfig.server.drain-timout=1m", "drain-timout"},
		"a profile that nobody names":       {"profileConfig.server.drain-timeout=1m", "profile is empty"},
		"keys for another Secret":           {"secret.existingSecret=own,secret.data.A=b", "put the keys there"},
		"a store of the profile's":          {"profile=a,profileConfig.token.rate-limit.store=memory", "set replicaCount=1"},
		"authorities for no encryption":     {"redis.enabled=false,externalRedis.host=10.0.0.1,externalRedis.tls.caSecret=c", "set externalRedis.tls.enabled=true"},
		"a model without weights":           {"models.new.gpus=1", "models.new.model: name the model to load"},
		"a Redis that is somewhere":         {"redis.enabled=false,externalRedis.host=redis.example.com", `networkPolicy.externalRedisTo: externalRedis.host is "redis.example.com"`},
		"a database without an address":     {"controlDatabase.enabled=true", "set secret.data.DATABASE_URL"},
		"a database that is somewhere":      {"controlDatabase.enabled=true,secret.existingSecret=own", "networkPolicy.controlDatabaseTo"},
		"authorities for no database":       {"controlDatabase.caSecret=c", "set controlDatabase.enabled=true"},
		"a collector that is somewhere":     {"tracing.endpoint=http://collector.observability:4318", `networkPolicy.collectorTo: tracing.endpoint is "collector.observability"`},
		"an Alertmanager that is somewhere": {"prometheus.enabled=true,prometheus.alertmanagers[0]=a.monitoring:9093", `networkPolicy.alertmanagersTo: one of prometheus.alertmanagers is "a.monitoring"`},
		"models of one Deployment":          {"models.a_b.model=x,models.a-b.model=y", `models "a-b" and "a_b"`},
		"a route without a Gateway":         {"gatewayApi.enabled=true", "gatewayApi.parentRefs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryHelm("template", "gateway", "charts/token-rate-limiter", "--set", m.set)
			if err == nil || !strings.Contains(err.Error(), m.says) {
				t.Errorf("--set %s: %v", m.set, err)
			}
		})
	}
}

// TestMisspeltManifest plants one mistake at a time in a manifest, each of which must be refused.
func TestMisspeltManifest(t *testing.T) {
	b, err := os.ReadFile(plain + "/token-rate-limiter/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ old, new, says string }{
		{"\n      terminationGracePeriodSeconds:", "\n      terminationGracePeriodSecond:", "terminationGracePeriodSecond"},
		{"maxSurge:", "maxSurges:", "maxSurges"},
		{"\n            periodSeconds: 10", "\n            periodSeconds: ten", "periodSeconds"},
	} {
		if !strings.Contains(string(b), m.old) {
			t.Fatalf("the manifest has no %q", m.old)
		}
		_, err := validation(t, write(t, "planted.yaml", strings.Replace(string(b), m.old, m.new, 1)))
		if err == nil || !strings.Contains(err.Error(), m.says) {
			t.Errorf("%s: %v", m.new, err)
		}
	}
}
