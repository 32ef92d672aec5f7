package mockvllm

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
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
	if j.endpoint != openai.ChatCompletions && j.endpoint != openai.Responses {
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
		return invalid("response_format", fmt.Sprintf("Input tag %q does not match any of the expected tags", f.Type))
	}
	example := instance{root: schema}
	if err := example.append(schema, 0); err != nil {
		return invalid("response_format", fmt.Sprintf("Invalid schema: %v", err))
	}
	open, end, found := bytes.Cut(example.text, []byte(hole))
	if !found {
		return invalid("response_format", "the mock writes its text into a string, and the schema has none")
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
func escape(text []byte) string {
	quoted, _ := jsontext.AppendQuote(nil, text) // the text is JSON, and so valid UTF-8
	return string(quoted[1 : len(quoted)-1])
}

const (
	hole           = "\uffff" // where the text goes: no character, so no schema has it
	schemaDepthMax = 32
)

// instance makes a value that a schema admits: each property once, 0 or the next
// number allowed, the first of what may be chosen, and the hole in the first string that is free.
type instance struct {
	root   jsontext.Value
	text   []byte
	filled bool // the hole is taken
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

func (i *instance) append(schema jsontext.Value, depth int) error {
	if depth > schemaDepthMax {
		return fmt.Errorf("it is deeper than %d", schemaDepthMax)
	}
	var n schemaNode
	if err := json.Unmarshal(schema, &n); err != nil {
		return err
	}
	switch {
	case n.Ref != "":
		target, err := i.resolve(n.Ref)
		if err != nil {
			return err
		}
		return i.append(target, depth+1)
	case len(n.AnyOf) > 0:
		return i.append(n.AnyOf[0], depth+1)
	case n.Const != nil:
		i.text = append(i.text, n.Const...)
	case len(n.Enum) > 0:
		i.text = append(i.text, n.Enum[0]...)
	case n.Properties != nil:
		return i.appendObject(n.Properties, depth)
	default:
		return i.appendTyped(&n, depth)
	}
	return nil
}

// resolve finds what a reference within the schema names.
func (i *instance) resolve(ref string) (jsontext.Value, error) {
	value := i.root
	for name := range jsontext.Pointer(ref[1:]).Tokens() {
		var members map[string]jsontext.Value
		if ref[0] != '#' || json.Unmarshal(value, &members) != nil || members[name] == nil {
			return nil, fmt.Errorf("it has no %q", ref)
		}
		value = members[name]
	}
	return value, nil
}

func (i *instance) appendObject(properties jsontext.Value, depth int) error {
	dec := jsontext.NewDecoder(bytes.NewReader(properties))
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	i.text = append(i.text, '{')
	for first := true; dec.PeekKind() == '"'; first = false {
		if !first {
			i.text = append(i.text, ", "...) // the separators of Python's json.dumps
		}
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		i.text = append(append(i.text, name...), ": "...)
		schema, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := i.append(schema, depth+1); err != nil {
			return err
		}
	}
	i.text = append(i.text, '}')
	return nil
}

func (i *instance) appendTyped(n *schemaNode, depth int) error {
	kind := n.Type
	if kind.Kind() == '[' { // of several types, the first
		var kinds []jsontext.Value
		if err := json.Unmarshal(kind, &kinds); err != nil || len(kinds) == 0 {
			return fmt.Errorf("its type is %s", kind)
		}
		kind = kinds[0]
	}
	switch string(kind) {
	case `"string"`:
		i.appendString()
	case `"integer"`, `"number"`:
		i.text = strconv.AppendFloat(i.text, max(0, n.Minimum), 'f', -1, 64)
	case `"boolean"`:
		i.text = append(i.text, "true"...)
	case `"null"`:
		i.text = append(i.text, "null"...)
	case `"array"`:
		return i.appendArray(n, depth)
	default: // an object of any kind
		i.text = append(i.text, "{}"...)
	}
	return nil
}

func (i *instance) appendString() {
	i.text = append(i.text, '"')
	if !i.filled {
		i.filled = true
		i.text = append(i.text, hole...)
	}
	i.text = append(i.text, '"')
}

func (i *instance) appendArray(n *schemaNode, depth int) error {
	i.text = append(i.text, '[')
	for k := range min(n.MinItems, sequencesMax) {
		if k > 0 {
			i.text = append(i.text, ", "...)
		}
		if err := i.append(n.Items, depth+1); err != nil {
			return err
		}
	}
	i.text = append(i.text, ']')
	return nil
}
