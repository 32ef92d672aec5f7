package k8s

import (
	"fmt"
	"maps"
	"slices"
)

// A machine starts no pod whose Secret or ConfigMap is missing, and kwok does not look.
// Nor does anything complain of a Service, policy or budget that selects nothing. The
// functions of this file look for both.

// meta is the metadata of an object.
type meta struct {
	Name   string
	Labels map[string]string
}

// pod is what is looked at in a Pod.
type pod struct {
	Metadata meta
	Spec     struct {
		NodeName         string
		Volumes          []volume
		Containers       []container
		InitContainers   []container
		ImagePullSecrets []struct{ Name string }
	}
}

type container struct {
	Ports   []struct{ Name string }
	EnvFrom []source
	Env     []struct {
		ValueFrom struct{ SecretKeyRef, ConfigMapKeyRef *key }
	}
}

// source names a Secret or a ConfigMap.
type source struct {
	SecretRef, ConfigMapRef *key
}

// key is one key of a Secret or a ConfigMap; without a name of its own, all of it.
type key struct {
	Name, Key string
	Optional  bool
	Items     []struct{ Key string }
}

type volume struct {
	Secret *struct {
		key
		SecretName string
	}
	ConfigMap             *key
	PersistentVolumeClaim *struct{ ClaimName string }
	Projected             *struct {
		Sources []struct{ Secret, ConfigMap *key }
	}
}

// references returns what the pod needs before a machine would start it, as KIND NAME
// or KIND NAME KEY.
func (p pod) references() []string {
	found := map[string]bool{}
	add := func(kind string, k *key) {
		if k == nil || k.Optional {
			return
		}
		found[kind+" "+k.Name] = true
		if k.Key != "" {
			found[kind+" "+k.Name+" "+k.Key] = true
		}
		for _, item := range k.Items {
			found[kind+" "+k.Name+" "+item.Key] = true
		}
	}
	for _, s := range p.Spec.ImagePullSecrets {
		add("secret", &key{Name: s.Name})
	}
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, s := range c.EnvFrom {
			add("secret", s.SecretRef)
			add("configmap", s.ConfigMapRef)
		}
		for _, e := range c.Env {
			add("secret", e.ValueFrom.SecretKeyRef)
			add("configmap", e.ValueFrom.ConfigMapKeyRef)
		}
	}
	for _, v := range p.Spec.Volumes {
		if v.Secret != nil {
			k := v.Secret.key
			k.Name = v.Secret.SecretName
			add("secret", &k)
		}
		add("configmap", v.ConfigMap)
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				add("secret", s.Secret)
				add("configmap", s.ConfigMap)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// missing says what a machine or a user would miss of what the namespace has; "" where
// there is nothing.
func (c *cluster) missing(namespace string) string {
	c.t.Helper()
	for _, look := range []func(namespace string) string{
		c.missingReference, c.missingClaim, c.missingEndpoint, c.missingBackend, c.missingMonitored,
		c.idlePolicy, c.idleBudget, c.idleScaler,
	} {
		if what := look(namespace); what != "" {
			return what
		}
	}
	return ""
}

// missingReference names what a pod refers to and is not there.
func (c *cluster) missingReference(namespace string) string {
	c.t.Helper()
	there := map[string]bool{}
	for _, kind := range []string{"secret", "configmap"} {
		var items []struct {
			Metadata         meta
			Data, BinaryData map[string]string
		}
		c.list(&items, kind, "-n", namespace)
		for _, i := range items {
			there[kind+" "+i.Metadata.Name] = true
			for _, data := range []map[string]string{i.Data, i.BinaryData} {
				for k := range data {
					there[kind+" "+i.Metadata.Name+" "+k] = true
				}
			}
		}
	}
	for _, p := range c.pods(namespace, "") {
		for _, r := range p.references() {
			if !there[r] {
				return fmt.Sprintf("the pod %s refers to the %s", p.Metadata.Name, r)
			}
		}
	}
	return ""
}

// missingClaim names a volume that is not bound.
func (c *cluster) missingClaim(namespace string) string {
	c.t.Helper()
	type claim struct {
		Metadata meta
		Status   struct{ Phase string }
	}
	return first(c, "persistentvolumeclaims", namespace, func(p claim) string {
		if p.Status.Phase == "Bound" {
			return ""
		}
		return fmt.Sprintf("the claim %s is %s", p.Metadata.Name, p.Status.Phase)
	})
}

// missingEndpoint names a port of a Service that leads to no pod.
func (c *cluster) missingEndpoint(namespace string) string {
	c.t.Helper()
	type service struct {
		Metadata meta
		Spec     struct {
			Selector map[string]string
			Ports    []struct{ Name string }
		}
	}
	return first(c, "services", namespace, func(s service) string {
		ready := c.readyPorts(namespace, s.Metadata.Name)
		for _, p := range s.Spec.Ports {
			if len(s.Spec.Selector) > 0 && !ready[p.Name] {
				return fmt.Sprintf("the port %q of the service %s leads to no pod", p.Name, s.Metadata.Name)
			}
		}
		return ""
	})
}

// readyPorts returns the names of the ports of a Service behind which a pod is ready.
func (c *cluster) readyPorts(namespace, service string) map[string]bool {
	c.t.Helper()
	var slices []struct {
		Ports []struct {
			Name string
			Port int
		}
		Endpoints []struct {
			Conditions struct{ Ready bool }
		}
	}
	c.list(&slices, "endpointslices", "-n", namespace, "-l", "kubernetes.io/service-name="+service)
	ready := map[string]bool{}
	for _, s := range slices {
		for _, e := range s.Endpoints {
			for _, p := range s.Ports {
				ready[p.Name] = ready[p.Name] || e.Conditions.Ready && p.Port != 0
			}
		}
	}
	return ready
}

// idleBudget names a PodDisruptionBudget that is about no pod, or not all of whose pods
// are well.
func (c *cluster) idleBudget(namespace string) string {
	c.t.Helper()
	type budget struct {
		Metadata meta
		Status   struct{ ExpectedPods, CurrentHealthy int }
	}
	return first(c, "poddisruptionbudgets", namespace, func(b budget) string {
		if b.Status.ExpectedPods > 0 && b.Status.CurrentHealthy == b.Status.ExpectedPods {
			return ""
		}
		return fmt.Sprintf("the budget %s has %d of %d pods", b.Metadata.Name, b.Status.CurrentHealthy, b.Status.ExpectedPods)
	})
}

// idleScaler names a HorizontalPodAutoscaler that finds nothing to scale.
func (c *cluster) idleScaler(namespace string) string {
	c.t.Helper()
	type condition struct{ Type, Status, Message string }
	type scaler struct {
		Metadata meta
		Status   struct{ Conditions []condition }
	}
	return first(c, "horizontalpodautoscalers", namespace, func(s scaler) string {
		if slices.ContainsFunc(s.Status.Conditions, func(one condition) bool { return one.Type == "AbleToScale" && one.Status == "True" }) {
			return ""
		}
		return fmt.Sprintf("the scaler %s does not find what it scales: %v", s.Metadata.Name, s.Status.Conditions)
	})
}

// first returns what look says of the first object of a kind that it says something of.
func first[T any](c *cluster, kind, namespace string, look func(T) string) string {
	c.t.Helper()
	var all []T
	c.list(&all, kind, "-n", namespace)
	for _, one := range all {
		if what := look(one); what != "" {
			return what
		}
	}
	return ""
}
