package chart

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// manifest is one object, as far as these tests look at it.
type manifest struct {
	Kind     string
	Metadata struct {
		Name string
	}
	Data map[string]string
	Spec struct {
		Replicas *int
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
	}
}

type pod struct {
	TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
	EnableServiceLinks            *bool `yaml:"enableServiceLinks"`
	Containers                    []struct {
		Image         string
		Command, Args []string
		VolumeMounts  []struct {
			Name    string
			SubPath string `yaml:"subPath"`
		} `yaml:"volumeMounts"`
		StartupProbe   probe `yaml:"startupProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		LivenessProbe  probe `yaml:"livenessProbe"`
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// manifests returns the objects of what was rendered.
func manifests(t *testing.T, rendered string) []manifest {
	t.Helper()
	return slices.DeleteFunc(documents[manifest](t, rendered), func(m manifest) bool { return m.Kind == "" })
}

// documents reads what was rendered as far as T looks at it.
func documents[T any](t *testing.T, rendered string) (all []T) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(rendered)); ; {
		var o T
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, rendered)
		}
		all = append(all, o)
	}
}

// named returns the object of a kind and name.
func named(t *testing.T, rendered, kind, name string) manifest {
	t.Helper()
	for _, m := range manifests(t, rendered) {
		if m.Kind == kind && m.Metadata.Name == name {
			return m
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return manifest{}
}

// configMap returns the files of a ConfigMap.
func configMap(t *testing.T, rendered, name string) map[string]string {
	t.Helper()
	return named(t, rendered, "ConfigMap", name).Data
}
