package k8s

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kubernetes does not check that a route or a monitor names a Service and a port that
// exist: where they do not, the controller answers 503, and Prometheus reads nothing.

// servicePort is a port of a Service as routes name it: by name, or by number.
type servicePort struct {
	Name   string
	Number int
}

// missingBackend names a Service, or a port of one, that an Ingress or an HTTPRoute
// leads to and that is not there.
func (c *cluster) missingBackend(namespace string) string {
	c.t.Helper()
	var services []struct {
		Metadata meta
		Spec     struct {
			Ports []struct {
				Name string
				Port int
			}
		}
	}
	c.list(&services, "services", "-n", namespace)
	there := map[string]bool{}
	for _, s := range services {
		for _, p := range s.Spec.Ports {
			there[fmt.Sprint(s.Metadata.Name, servicePort{Name: p.Name})] = true
			there[fmt.Sprint(s.Metadata.Name, servicePort{Number: p.Port})] = true
		}
	}
	for _, b := range c.backends(namespace) {
		if !there[b.to] {
			return fmt.Sprintf("%s leads to %s, which is not there", b.from, b.to)
		}
	}
	return ""
}

// backend is a Service with its port, and what leads there.
type backend struct{ from, to string }

// backends returns where routes of the namespace lead.
func (c *cluster) backends(namespace string) []backend {
	c.t.Helper()
	var all []backend
	var ingresses []struct {
		Metadata meta
		Spec     struct {
			Rules []struct {
				HTTP struct {
					Paths []struct {
						Backend struct {
							Service struct {
								Name string
								Port servicePort
							}
						}
					}
				}
			}
		}
	}
	c.list(&ingresses, "ingresses", "-n", namespace)
	for _, i := range ingresses {
		for _, r := range i.Spec.Rules {
			for _, p := range r.HTTP.Paths {
				to := fmt.Sprint(p.Backend.Service.Name, p.Backend.Service.Port)
				all = append(all, backend{"the ingress " + i.Metadata.Name, to})
			}
		}
	}
	var routes []struct {
		Metadata meta
		Spec     struct {
			Rules []struct {
				BackendRefs []struct {
					Name string
					Port int
				}
			}
		}
	}
	c.listKnown(&routes, "httproutes.gateway.networking.k8s.io", namespace)
	for _, route := range routes {
		for _, r := range route.Spec.Rules {
			for _, b := range r.BackendRefs {
				to := fmt.Sprint(b.Name, servicePort{Number: b.Port})
				all = append(all, backend{"the route " + route.Metadata.Name, to})
			}
		}
	}
	return all
}

// missingMonitored names a ServiceMonitor that finds no Service with its port.
func (c *cluster) missingMonitored(namespace string) string {
	c.t.Helper()
	var monitors []struct {
		Metadata meta
		Spec     struct {
			Selector  struct{ MatchLabels map[string]string }
			Endpoints []struct{ Port string }
		}
	}
	c.listKnown(&monitors, "servicemonitors.monitoring.coreos.com", namespace)
	for _, m := range monitors {
		type named struct{ Metadata meta }
		var services []named
		c.list(&services, "services", "-n", namespace, "-l", selector(m.Spec.Selector.MatchLabels))
		for _, e := range m.Spec.Endpoints {
			if !slices.ContainsFunc(services, func(s named) bool { return c.readyPorts(namespace, s.Metadata.Name)[e.Port] }) {
				return fmt.Sprintf("the monitor %s finds no Service with the port %q", m.Metadata.Name, e.Port)
			}
		}
	}
	return ""
}

// listKnown reads the objects of a kind that a cluster need not know.
func (c *cluster) listKnown(items any, kind, namespace string) {
	c.t.Helper()
	if r := c.try("kubectl", "get", kind, "-n", namespace); !strings.Contains(r.stderr, "the server doesn't have a resource type") {
		c.list(items, kind, "-n", namespace)
	}
}

// selector writes labels as kubectl reads them.
func selector(labels map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ",")
}
