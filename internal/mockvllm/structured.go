package mockvllm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// frame is the JSON around the generated text of a structured answer, escaped
// for standing inside a JSON string. The zero frame is that of plain text.
type frame struct{ open, end string }

// responseFormat is what the request constrains its answer to: response_format
// of chat completions, text.format of responses.
type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Schema jsontext.Value `json:"schema"`
	} `json:"json_schema"`
	Schema jsontext.Value `json:"schema"` // where responses have it
}

// structure plans the JSON that a structured answer has around its text.
func (j *job) structure() error {
	if j.endpoint != wire.ChatCompletions && j.endpoint != wire.Responses {
		return nil
	}
	f := &j.body.ResponseFormat
	if f.Type == "" {
		f = &j.body.Text.Format
	}
	schema := f.Schema
	switch f.Type {
	case "", "text":
		return nil
	case "json_object":
		schema = jsontext.Value(`{"properties":{"text":{"type":"string"}}}`)
	case "json_schema":
		if schema == nil {
			schema = f.JSONSchema.Schema
		}
	default:
		return invalid("response_format",
			"Input tag %q does not match any of the expected tags", f.Type)
	}
	example := instance{root: schema}
	text := example.value(schema, 0)
	if example.err != nil {
		return invalid("response_format", "Invalid schema: %v", example.err)
	}
	open, end, found := strings.Cut(text, hole)
	if !found {
		return invalid("response_format",
			"the mock writes its text into a string, and the schema has none")
	}
	j.frame = frame{open: escape(open), end: escape(end)}
	return nil
}

// content returns the text of tokens first to end of a sequence whose
// content begins with token start, and what of the frame is there. A sequence
// that reached its cap is not closed.
func (j *job) content(s *sequence, start, first, end int64) string {
	if first >= end {
		return ""
	}
	text := j.text(s, first, end)
	if first == start {
		text = j.frame.open + text
	}
	if end == s.tokens && s.finish == "stop" {
		text += j.frame.end
	}
	return text
}

// escape returns text as it stands inside a JSON string.
func escape(text string) string {
	quoted := quote(text)
	return quoted[1 : len(quoted)-1]
}

const (
	hole           = "\uffff" // where the text goes: no character, so no schema has it
	schemaDepthMax = 32
)

// instance makes a value that a schema admits: each property once, 0 or the next
// number allowed, the first of what may be chosen, and the hole in the first string that is free.
type instance struct {
	root   jsontext.Value
	filled bool  // the hole is taken
	err    error // the first one; what is returned after it means nothing
}

// schemaNode are the keywords that matter to an instance.
type schemaNode struct {
	Ref        string           `json:"$ref"`
	Type       jsontext.Value   `json:"type"`
	Enum       []jsontext.Value `json:"enum"`
	Const      jsontext.Value   `json:"const"`
	AnyOf      []jsontext.Value `json:"anyOf"`
	Properties jsontext.Value   `json:"properties"`
	Items      jsontext.Value   `json:"items"`
	MinItems   int              `json:"minItems"`
	Minimum    float64          `json:"minimum"`
}

// value returns the JSON text of a value that schema admits.
func (i *instance) value(schema jsontext.Value, depth int) string {
	var n schemaNode
	switch {
	case i.err != nil:
		return ""
	case depth > schemaDepthMax:
		i.err = fmt.Errorf("it is deeper than %d", schemaDepthMax)
		return ""
	}
	if i.err = json.Unmarshal(schema, &n); i.err != nil {
		return ""
	}
	switch {
	case n.Ref != "":
		return i.value(i.resolve(n.Ref), depth+1)
	case len(n.AnyOf) > 0:
		return i.value(n.AnyOf[0], depth+1)
	case n.Const != nil:
		return string(n.Const)
	case len(n.Enum) > 0:
		return string(n.Enum[0])
	case n.Properties != nil:
		return i.object(n.Properties, depth)
	}
	return i.typed(&n, depth)
}

// resolve finds what a reference within the schema names.
func (i *instance) resolve(ref string) jsontext.Value {
	value := i.root
	for name := range jsontext.Pointer(ref[1:]).Tokens() {
		var members map[string]jsontext.Value
		if ref[0] != '#' || json.Unmarshal(value, &members) != nil || members[name] == nil {
			i.err = fmt.Errorf("it has no %q", ref)
			return nil
		}
		value = members[name]
	}
	return value
}

// separator is that of Python's json.dumps.
const separator = ", "

func (i *instance) object(properties jsontext.Value, depth int) string {
	var list []string
	for name, schema := range members(properties) {
		list = append(list, quote(name)+": "+i.value(schema, depth+1))
	}
	return "{" + strings.Join(list, separator) + "}"
}

func (i *instance) array(n *schemaNode, depth int) string {
	var list []string
	for range min(n.MinItems, sequencesMax) {
		list = append(list, i.value(n.Items, depth+1))
	}
	return "[" + strings.Join(list, separator) + "]"
}

func (i *instance) typed(n *schemaNode, depth int) string {
	kind := n.Type
	if kind.Kind() == '[' { // of several types, the first
		kinds := elements(kind)
		if len(kinds) == 0 {
			i.err = fmt.Errorf("its type is %s", kind)
			return ""
		}
		kind = kinds[0]
	}
	switch string(kind) {
	case `"string"`:
		if i.filled {
			return `""`
		}
		i.filled = true
		return `"` + hole + `"`
	case `"integer"`, `"number"`:
		return strconv.FormatFloat(max(0, n.Minimum), 'f', -1, 64)
	case `"boolean"`:
		return "true"
	case `"null"`:
		return "null"
	case `"array"`:
		return i.array(n, depth)
	}
	return "{}" // an object of any kind
}
