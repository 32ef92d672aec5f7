package k8s

import (
	"fmt"
	"strings"
	"testing"
)

// good is a pod that the restricted level takes, and the cluster with it.
const good = `apiVersion: apps/v1
kind: Deployment
metadata: {name: planted, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: planted}}
  template:
    metadata: {labels: {app: planted}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: planted
        image: planted:1
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        envFrom: [{secretRef: {name: planted}}]
        ports: [{name: http, containerPort: 8080}]
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: planted}}
---
apiVersion: v1
kind: Service
metadata: {name: planted, namespace: default, labels: {app: planted}}
spec:
  selector: {app: planted}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: Secret
metadata: {name: planted, namespace: default}
stringData: {KEY: value}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: planted, namespace: default}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: planted, namespace: default}
spec:
  podSelector: {matchLabels: {app: planted}}
  policyTypes: [Ingress, Egress]
  ingress: [{ports: [{port: http}]}]
  egress: [{ports: [{port: http}], to: [{podSelector: {matchLabels: {app: planted}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: planted, namespace: default}
spec:
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: planted, port: {name: http}}}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: planted, namespace: default}
spec:
  parentRefs: [{name: public}]
  rules: [{backendRefs: [{name: planted, port: 80}]}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: planted, namespace: default}
spec:
  selector: {matchLabels: {app: planted}}
  endpoints: [{port: http}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: planted, namespace: default}
spec:
  selector: {matchLabels: {app: planted}}
  minAvailable: 1
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: planted, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: planted}
  minReplicas: 1
  maxReplicas: 2
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
`

// TestRefused plants mistakes in what the cluster takes: the API server refuses or warns
// of each.
func TestRefused(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions()
	for name, m := range map[string]struct{ old, new, says string }{
		"a misspelt field":         {"replicas: 1", "replicaz: 1", `unknown field "spec.replicaz"`},
		"a wrong type":             {"replicas: 1", "replicas: one", "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas"},
		"a selector of other pods": {"matchLabels: {app: planted}", "matchLabels: {app: other}", "`selector` does not match template `labels`"},
		"a privilege":              {"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "would violate PodSecurity"},
		"root":                     {"runAsUser: 65532", "runAsUser: 0", "would violate PodSecurity"},
		"a capability":             {"drop: [ALL]", "drop: [CHOWN]", "would violate PodSecurity"},
		"a misspelt field of CRD":  {"parentRefs", "parentRefz", `unknown field "spec.parentRefz"`},
		"a folder of the machine":  {"persistentVolumeClaim: {claimName: planted}", "hostPath: {path: /}", "would violate PodSecurity"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.try("kubectl", "apply", "--validate=strict", "--dry-run=server", "-f", c.planted(m.old, m.new))
			if r.err == nil && !r.warned() || !strings.Contains(r.stderr, m.says) {
				t.Errorf("it is taken, or not for %q: %v\n%s%s", m.says, r.err, r.stdout, r.stderr)
			}
		})
	}
}

// TestMissing plants mistakes that the API server takes and a user would suffer from:
// this package finds each.
func TestMissing(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions()
	c.kubectl("apply", "--validate=strict", "-f", c.planted("", ""))
	c.checkInstalled("default")
	for name, m := range map[string]struct{ old, new, says string }{
		"a Secret":              {"secretRef: {name: planted}", "secretRef: {name: other}", "refers to the secret other"},
		"a key of a Secret":     {"envFrom: [{secretRef: {name: planted}}]", "env: [{name: A, valueFrom: {secretKeyRef: {name: planted, key: OTHER}}}]", "refers to the secret planted OTHER"},
		"a port of a pod":       {"targetPort: http", "targetPort: other", `the port "http" of the service planted leads to no pod`},
		"a pod of a Service":    {"selector: {app: planted}\n  ports", "selector: {app: other}\n  ports", `the port "http" of the service planted leads to no pod`},
		"a pod of a policy":     {"podSelector: {matchLabels: {app: planted}}\n", "podSelector: {matchLabels: {app: other}}\n", "the policy planted holds for no pod"},
		"a port to be let in":   {"ingress: [{ports: [{port: http}]}]", "ingress: [{ports: [{port: other}]}]", `the policy planted lets in by the port "other"`},
		"a port to be let out":  {"egress: [{ports: [{port: http}]", "egress: [{ports: [{port: other}]", `the policy planted lets out by the port "other"`},
		"a Service of Ingress":  {"port: {name: http}}}", "port: {name: other}}}", "the ingress planted leads to planted{other 0}"},
		"a Service of a route":  {"backendRefs: [{name: planted, port: 80}]", "backendRefs: [{name: planted, port: 81}]", "the route planted leads to planted{ 81}"},
		"a port of a monitor":   {"endpoints: [{port: http}]", "endpoints: [{port: other}]", `the monitor planted finds no Service with the port "other"`},
		"a pod of a budget":     {"selector: {matchLabels: {app: planted}}\n  minAvailable", "selector: {matchLabels: {app: other}}\n  minAvailable", "the budget planted has 0 of 0 pods"},
		"what is to be scaled":  {"kind: Deployment, name: planted", "kind: Deployment, name: other", "the scaler planted does not find what it scales"},
		"a class of the volume": {"resources: {requests: {storage: 1Gi}}", "resources: {requests: {storage: 1Gi}}\n  storageClassName: other", "the claim planted is Pending"},
	} {
		t.Run(name, func(t *testing.T) {
			c := c.in(t)
			c.kubectl("delete", "--wait", "-f", c.planted("", ""))
			c.kubectl("apply", "--validate=strict", "-f", c.planted(m.old, m.new))
			eventually(t, func() string {
				if found := c.missing("default"); !strings.Contains(found, m.says) {
					return fmt.Sprintf("found %q, not %q", found, m.says)
				}
				return ""
			})
		})
	}
}

// planted writes the good manifest with one change, which must be one.
func (c *cluster) planted(old, new string) string {
	c.t.Helper()
	if !strings.Contains(good, old) {
		c.t.Fatalf("the manifest has no %q", old)
	}
	return c.write("planted.yaml", strings.Replace(good, old, new, 1))
}
