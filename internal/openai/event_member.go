package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// field names a member of an answer or event that the gateway looks at.
type field uint8

const (
	fieldChoices field = iota
	fieldCode
	fieldContent
	fieldContentBlock
	fieldCreated
	fieldCreatedAt
	fieldDelta
	fieldError
	fieldFingerprint
	fieldID
	fieldIndex
	fieldMessage
	fieldModel
	fieldObject
	fieldOutput
	fieldResponse
	fieldSequence
	fieldStopReason
	fieldType
	fieldUsage
	fields // their number; also what any other member is
)

func fieldOf(name []byte) field {
	switch string(name) {
	case "choices":
		return fieldChoices
	case "code":
		return fieldCode
	case "content":
		return fieldContent
	case "content_block":
		return fieldContentBlock
	case "created":
		return fieldCreated
	case "created_at":
		return fieldCreatedAt
	case "delta":
		return fieldDelta
	case "error":
		return fieldError
	case "id":
		return fieldID
	case "index":
		return fieldIndex
	case "message":
		return fieldMessage
	case "model":
		return fieldModel
	case "object":
		return fieldObject
	case "output":
		return fieldOutput
	case "response":
		return fieldResponse
	case "sequence_number":
		return fieldSequence
	case "stop_reason":
		return fieldStopReason
	case "system_fingerprint":
		return fieldFingerprint
	case "type":
		return fieldType
	case "usage":
		return fieldUsage
	}
	return fields
}

// envelope is where the members of one JSON object are that the gateway looks
// at. The zero value is an object without members.
type envelope struct {
	data   []byte
	values [fields]jsonscan.Extent // of the value; zero where the member is absent
	usage  int                     // Start of the usage member's name
}

// parse reads data, which must be one JSON object and nothing more. It reports
// false for anything else, and for an object that has one of the members twice:
// such data has no single meaning.
func (e *envelope) parse(data []byte) bool {
	c := jsonscan.Cursor{Text: data}
	return c.Peek() == '{' && e.read(&c) && c.End()
}

// nested reads the object that is the value at v, which is known to be valid.
// It reports false where the value is not an object or has a member twice.
func (e *envelope) nested(data []byte, v jsonscan.Extent) bool {
	if !v.IsSet() {
		return false
	}
	c := jsonscan.Cursor{Text: data, At: v.Start}
	return e.read(&c)
}

// read reads the object ahead.
func (e *envelope) read(c *jsonscan.Cursor) bool {
	e.data = c.Text
	if !c.Enter('{') {
		return false
	}
	for {
		name, ok := c.Member()
		if !ok {
			return !c.Bad
		}
		f := fieldOf(name)
		if f == fields {
			c.Skip()
			continue
		}
		if f == fieldUsage {
			e.usage = c.Name.Start
		}
		if e.values[f].IsSet() {
			c.Fail()
			return false
		}
		e.values[f] = c.Value()
	}
}

// has reports whether the member is there and not null.
func (e *envelope) has(f field) bool {
	v := e.values[f]
	return v.IsSet() && e.data[v.Start] != 'n'
}

// raw returns the JSON text of the member's value, nil where it is absent.
func (e *envelope) raw(f field) []byte {
	if v := e.values[f]; v.IsSet() {
		return v.Of(e.data)
	}
	return nil
}

// inner returns what is between the quotes of a member that is a string, nil
// where it is not one.
func (e *envelope) inner(f field) []byte {
	raw := e.raw(f)
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// count returns a member that is a number of tokens or an index.
func (e *envelope) count(f field) (n int64, ok bool) {
	v := e.values[f]
	if !v.IsSet() {
		return 0, false
	}
	c := jsonscan.Cursor{Text: e.data, At: v.Start}
	return c.Count()
}

// usageMember returns what must go so that the object has no usage member and
// is valid JSON: the member with the comma before it or, if it is the first,
// with the comma after it.
func (e *envelope) usageMember() jsonscan.Extent {
	cut := jsonscan.Extent{Start: e.usage, End: e.values[fieldUsage].End}
	before := e.usage - 1
	for jsonscan.IsSpace(e.data[before]) {
		before--
	}
	if e.data[before] == ',' {
		cut.Start = before
		return cut
	}
	after := jsonscan.SkipSpace(e.data, cut.End)
	if e.data[after] == ',' {
		cut.End = jsonscan.SkipSpace(e.data, after+1)
	}
	return cut
}
