package k8s

import "fmt"

// policy is what is looked at in a NetworkPolicy.
type policy struct {
	Metadata meta
	Spec     struct {
		PodSelector     podSelector
		Ingress, Egress []struct {
			Ports    []struct{ Port any } // a number, or a name
			From, To []struct{ PodSelector *podSelector }
		}
	}
}

type podSelector struct{ MatchLabels map[string]string }

// idlePolicy names a NetworkPolicy that holds for no pod, or that lets pods be reached by
// the name of a port that none of them has.
func (c *cluster) idlePolicy(namespace string) string {
	c.t.Helper()
	var policies []policy
	c.list(&policies, "networkpolicies", "-n", namespace)
	for _, p := range policies {
		own := c.pods(namespace, selector(p.Spec.PodSelector.MatchLabels))
		if len(own) == 0 {
			return fmt.Sprintf("the policy %s holds for no pod", p.Metadata.Name)
		}
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				if name, named := port.Port.(string); named && !havePort(own, name) {
					return fmt.Sprintf("the policy %s lets in by the port %q, which no pod has", p.Metadata.Name, name)
				}
			}
		}
		for _, rule := range p.Spec.Egress {
			for _, to := range rule.To {
				if to.PodSelector == nil {
					continue
				}
				pods := c.pods(namespace, selector(to.PodSelector.MatchLabels))
				for _, port := range rule.Ports {
					if name, named := port.Port.(string); named && len(pods) > 0 && !havePort(pods, name) {
						return fmt.Sprintf("the policy %s lets out by the port %q, which no pod has", p.Metadata.Name, name)
					}
				}
			}
		}
	}
	return ""
}

// havePort reports whether a container of the pods has a port of that name.
func havePort(pods []pod, name string) bool {
	for _, p := range pods {
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				if port.Name == name {
					return true
				}
			}
		}
	}
	return false
}
