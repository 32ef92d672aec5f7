package chart

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// kubernetes are the values that go into manifests as they are: Kubernetes knows their keys.
var kubernetes = []string{"resources", "labels", "podLabels", "commonLabels", "annotations", "podAnnotations",
	"nodeSelector", "affinity", "data"}

// choices are the values that are one of a few words.
var choices = map[string][]string{
	"image.pullPolicy": {"Always", "IfNotPresent", "Never"},
	"service.type":     {"ClusterIP", "NodePort", "LoadBalancer"},
}

// TestSchema keeps values.schema.json what values.yaml and the gateway's configuration say.
func TestSchema(t *testing.T) {
	var application object
	b, err := os.ReadFile(root + "/api/application.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &application); err != nil {
		t.Fatal(err)
	}
	delete(application, "$schema")
	values := readValues(t)
	s := schema(values)
	properties := s["properties"].(object)
	properties["config"] = reference("#/definitions/application")
	properties["profileConfig"] = reference("#/definitions/application")
	properties["models"] = object{"type": "object", "additionalProperties": reference("#/definitions/model")}
	// Helm hands the values of a chart that this one is a part of.
	properties["global"] = object{"type": "object"}
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["definitions"] = object{"application": application, "model": model(values.field(t, "modelDefaults"))}

	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	compare(t, folder+"/values.schema.json", out.String())
}

type object map[string]any

func reference(to string) object { return object{"$ref": to} }

// model describes an entry of models: what modelDefaults has, and what is the entry's own.
func model(defaults value) object {
	s := schema(defaults)
	p := s["properties"].(object)
	p["enabled"] = object{"type": "boolean"}
	p["model"] = object{"type": "string"}
	p["limits"] = reference("#/definitions/application/properties/token/properties/rate-limit/properties/models/additionalProperties")
	s["type"] = []string{"object", "null"} // null takes a model of values.yaml away
	return s
}

// schema describes what may stand for a value: what is of the same kind.
func schema(v value) object {
	s := object{}
	if v.doc != "" {
		s["description"] = v.doc
	}
	last := v.path[strings.LastIndex(v.path, ".")+1:]
	switch {
	case choices[v.path] != nil:
		s["enum"] = choices[v.path]
	case v.node.Kind == yaml.SequenceNode:
		s["type"] = "array"
	case v.node.Kind == yaml.MappingNode && slices.Contains(kubernetes, last):
		s["type"] = "object"
	case v.node.Kind == yaml.MappingNode:
		properties := object{}
		for _, f := range v.fields {
			properties[f.path[strings.LastIndex(f.path, ".")+1:]] = schema(f)
		}
		s["type"], s["additionalProperties"], s["properties"] = "object", false, properties
	default:
		s["type"] = scalarType(v.node.Tag)
	}
	return s
}

func scalarType(tag string) any {
	switch tag {
	case "!!bool":
		return "boolean"
	case "!!int":
		return "integer"
	case "!!null":
		return []string{"integer", "null"}
	}
	return "string"
}
