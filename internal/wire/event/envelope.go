package event

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// Field names a member of an answer or event that the gateway looks at.
type Field uint8

// The fields.
const (
	FieldChoices Field = iota
	fieldCode
	FieldContent
	FieldContentBlock
	fieldCreated
	fieldCreatedAt
	FieldDelta
	FieldError
	fieldFingerprint
	fieldID
	FieldIndex
	FieldMessage
	FieldModel
	fieldObject
	FieldOutput
	FieldResponse
	FieldSequence
	FieldStopReason
	FieldType
	FieldUsage
	Fields // their number; also what any other member is
)

func fieldOf(name []byte) Field {
	switch string(name) {
	case "choices":
		return FieldChoices
	case "code":
		return fieldCode
	case "content":
		return FieldContent
	case "content_block":
		return FieldContentBlock
	case "created":
		return fieldCreated
	case "created_at":
		return fieldCreatedAt
	case "delta":
		return FieldDelta
	case "error":
		return FieldError
	case "id":
		return fieldID
	case "index":
		return FieldIndex
	case "message":
		return FieldMessage
	case "model":
		return FieldModel
	case "object":
		return fieldObject
	case "output":
		return FieldOutput
	case "response":
		return FieldResponse
	case "sequence_number":
		return FieldSequence
	case "stop_reason":
		return FieldStopReason
	case "system_fingerprint":
		return fieldFingerprint
	case "type":
		return FieldType
	case "usage":
		return FieldUsage
	}
	return Fields
}

// Envelope says where an object has the members that the gateway looks at. The zero value is an
// object without members.
type Envelope struct {
	Data   []byte                  // the text that the object is in
	Values [Fields]jsonscan.Extent // of the value; zero where the member is absent
	usage  int                     // start of the usage member's name
}

// Parse reads data, which must be one JSON object and nothing more. It reports false for anything
// else, and for an object that has one of the members twice: such data has no single meaning.
func (e *Envelope) Parse(data []byte) bool {
	c := jsonscan.Cursor{Text: data}
	return c.Peek() == '{' && e.read(&c) && c.End()
}

// Nested reads the object that is a member of another, which is known to be valid. It reports
// false where the member is not an object or has a member twice.
func (e *Envelope) Nested(outer *Envelope, f Field) bool {
	c := outer.At(f)
	return e.read(&c)
}

// read reads the object ahead.
func (e *Envelope) read(c *jsonscan.Cursor) bool {
	e.Data = c.Text
	if !c.Enter('{') {
		return false
	}
	for name, ok := c.Member(); ok; name, ok = c.Member() {
		f := fieldOf(name)
		if f == Fields {
			c.Skip()
			continue
		}
		if f == FieldUsage {
			e.usage = c.Name.Start
		}
		if e.Values[f].IsSet() {
			c.Fail()
			return false
		}
		e.Values[f] = c.Value()
	}
	return !c.Bad
}

// At returns a cursor before the value of a member; before nothing where it is absent.
func (e *Envelope) At(f Field) jsonscan.Cursor {
	v := e.Values[f]
	return jsonscan.Cursor{Text: e.Data[:v.End], At: v.Start}
}

// Has reports whether the member is there and not null.
func (e *Envelope) Has(f Field) bool {
	v := e.Values[f]
	return v.IsSet() && e.Data[v.Start] != 'n'
}

// raw returns the JSON text of the member's value, nil where it is absent.
func (e *Envelope) raw(f Field) []byte {
	if v := e.Values[f]; v.IsSet() {
		return v.Of(e.Data)
	}
	return nil
}

// Inner returns what is between the quotes of a member that is a string, nil where it is not one.
func (e *Envelope) Inner(f Field) []byte {
	raw := e.raw(f)
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// Count returns a member that is a number of tokens or an index.
func (e *Envelope) Count(f Field) (n int64, ok bool) {
	c := e.At(f)
	return c.Count()
}

// UsageMember returns what to cut out so that the object has no usage member and stays valid JSON:
// the member with the comma before it or, if it is the first, with the comma after it.
func (e *Envelope) UsageMember() jsonscan.Extent {
	cut := jsonscan.Extent{Start: e.usage, End: e.Values[FieldUsage].End}
	before := e.usage - 1
	for jsonscan.IsSpace(e.Data[before]) {
		before--
	}
	if e.Data[before] == ',' {
		cut.Start = before
		return cut
	}
	after := jsonscan.SkipSpace(e.Data, cut.End)
	if e.Data[after] == ',' {
		cut.End = jsonscan.SkipSpace(e.Data, after+1)
	}
	return cut
}
