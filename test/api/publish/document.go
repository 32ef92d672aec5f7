package main

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// document is an OpenAPI document as plain values.
type document struct {
	root  map[string]any
	paths []string // in the order of the document
}

// operation is a method of a path.
type operation struct {
	method, path string
	fields       map[string]any
}

func parse(text []byte) (document, error) {
	var d document
	var order struct{ Paths yaml.MapSlice }
	if err := yaml.Unmarshal(text, &order); err != nil {
		return d, err
	}
	for _, p := range order.Paths {
		d.paths = append(d.paths, fmt.Sprint(p.Key))
	}
	return d, yaml.Unmarshal(text, &d.root)
}

// operations returns those of a tag, in the order of the document.
func (d document) operations(tag string) []operation {
	var all []operation
	for _, path := range d.paths {
		item := object(object(d.root["paths"])[path])
		for _, method := range []string{"put", "get", "post", "patch", "delete"} {
			o := operation{method: strings.ToUpper(method), path: path, fields: object(item[method])}
			if tags, _ := o.fields["tags"].([]any); len(tags) > 0 && tags[0] == tag {
				all = append(all, o)
			}
		}
	}
	return all
}

// resolve returns a value with what its references refer to in their place.
func (d document) resolve(value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		if reference, ok := v["$ref"].(string); ok {
			target, err := d.target(reference)
			if err != nil {
				return nil, err
			}
			return d.resolve(target)
		}
		resolved := make(map[string]any, len(v))
		for name, member := range v {
			r, err := d.resolve(member)
			if err != nil {
				return nil, err
			}
			resolved[name] = r
		}
		return resolved, nil
	case []any:
		resolved := make([]any, len(v))
		for i, element := range v {
			r, err := d.resolve(element)
			if err != nil {
				return nil, err
			}
			resolved[i] = r
		}
		return resolved, nil
	}
	return value, nil
}

// target returns what a reference within the document refers to.
func (d document) target(reference string) (any, error) {
	path, ok := strings.CutPrefix(reference, "#/")
	var value any = d.root
	for name := range strings.SplitSeq(path, "/") {
		value = object(value)[name]
	}
	if !ok || value == nil {
		return nil, fmt.Errorf("nothing is at %s", reference)
	}
	return value, nil
}

// object returns a value that is an object; an empty one where it is not.
func object(value any) map[string]any {
	o, _ := value.(map[string]any)
	return o
}

// at returns the member of a member, and so on.
func at(value any, names ...string) any {
	for _, name := range names {
		value = object(value)[name]
	}
	return value
}
