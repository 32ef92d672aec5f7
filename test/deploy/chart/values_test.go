package chart

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// value is one key of values.yaml.
type value struct {
	path   string // such as redis.image.tag
	doc    string // of the comment that begins with --; "" has none
	node   *yaml.Node
	fields []value // of a map with keys that the file names
}

// readValues returns what values.yaml says.
func readValues(t *testing.T) value {
	t.Helper()
	b, err := os.ReadFile(folder + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(b, &document); err != nil {
		t.Fatal(err)
	}
	v := value{node: document.Content[0]}
	v.read()
	return v
}

func (v *value) read() {
	if v.node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		f := value{path: strings.TrimPrefix(v.path+"."+key.Value, "."), doc: description(key.HeadComment), node: v.node.Content[i+1]}
		f.read()
		v.fields = append(v.fields, f)
	}
}

// description returns what a comment says from its -- on, as one line.
func description(comment string) string {
	_, said, found := strings.Cut(comment, "# -- ")
	if !found {
		return ""
	}
	var lines []string
	for line := range strings.Lines(said) {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#")))
	}
	return strings.Join(lines, " ")
}

// field returns the value below v with that path.
func (v value) field(t *testing.T, path string) value {
	t.Helper()
	for _, f := range v.fields {
		if f.path == path {
			return f
		}
		if strings.HasPrefix(path, f.path+".") {
			return f.field(t, path)
		}
	}
	t.Fatalf("values.yaml has no %s", path)
	return value{}
}
