package k8s

import "strings"

// checkInstalled waits until all of the namespace runs, as far as kwok tells, and until
// nothing is missing that kwok does not look at.
func (c *cluster) checkInstalled(namespace string) {
	c.t.Helper()
	workloads := strings.Fields(c.kubectl("get", "deployments,statefulsets", "-n", namespace, "-o", "name"))
	if len(workloads) == 0 {
		c.t.Fatalf("nothing runs in %s", namespace)
	}
	for _, w := range workloads {
		if r := c.try("kubectl", "rollout", "status", w, "-n", namespace, "--timeout="+patience.String()); r.err != nil {
			c.t.Fatalf("%s does not become ready: %s%s\n%s", w, r.stdout, r.stderr, c.complaints(namespace))
		}
	}
	eventually(c.t, func() string { return c.missing(namespace) })
}

// complaints returns what went wrong in the namespace.
func (c *cluster) complaints(namespace string) string {
	return c.try("kubectl", "get", "events", "-n", namespace, "--field-selector=type=Warning",
		"-o", "custom-columns=:involvedObject.kind,:involvedObject.name,:reason,:message").stdout
}

// zones returns how many pods that have the labels run in each zone.
func (c *cluster) zones(namespace, labels string) map[string]int {
	c.t.Helper()
	var nodes []struct{ Metadata meta }
	c.list(&nodes, "nodes")
	zone := map[string]string{}
	for _, n := range nodes {
		zone[n.Metadata.Name] = n.Metadata.Labels["topology.kubernetes.io/zone"]
	}
	count := map[string]int{}
	for _, p := range c.pods(namespace, labels) {
		count[zone[p.Spec.NodeName]]++
	}
	return count
}
