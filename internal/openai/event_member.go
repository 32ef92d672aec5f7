package openai

// extent is a part of a text: the bytes from start up to, not including, end.
// The zero value is no part; the values that it is used for never begin at 0.
type extent struct{ start, end int }

func (x extent) isSet() bool        { return x.end > 0 }
func (x extent) len() int           { return x.end - x.start }
func (x extent) of(b []byte) []byte { return b[x.start:x.end] }

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
	values [fields]extent // of the value; zero where the member is absent
	usage  int            // start of the usage member's name
}

// parse reads data, which must be one JSON object and nothing more. It reports
// false for anything else, and for an object that has one of the members twice:
// such data has no single meaning.
func (e *envelope) parse(data []byte) bool {
	c := jsonCursor{b: data}
	return c.peek() == '{' && e.read(&c) && c.end()
}

// nested reads the object that is the value at v, which is known to be valid.
// It reports false where the value is not an object or has a member twice.
func (e *envelope) nested(data []byte, v extent) bool {
	if !v.isSet() {
		return false
	}
	c := jsonCursor{b: data, i: v.start}
	return e.read(&c)
}

// read reads the object ahead.
func (e *envelope) read(c *jsonCursor) bool {
	e.data = c.b
	if !c.enter('{') {
		return false
	}
	for {
		name, ok := c.member()
		if !ok {
			return !c.bad
		}
		f := fieldOf(name)
		if f == fields {
			c.skip()
			continue
		}
		if f == fieldUsage {
			e.usage = c.name.start
		}
		if e.values[f].isSet() {
			c.fail()
			return false
		}
		e.values[f] = c.value()
	}
}

// has reports whether the member is there and not null.
func (e *envelope) has(f field) bool {
	v := e.values[f]
	return v.isSet() && e.data[v.start] != 'n'
}

// raw returns the JSON text of the member's value, nil where it is absent.
func (e *envelope) raw(f field) []byte {
	if v := e.values[f]; v.isSet() {
		return v.of(e.data)
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
	if !v.isSet() {
		return 0, false
	}
	c := jsonCursor{b: e.data, i: v.start}
	return c.count()
}

// usageMember returns what must go so that the object has no usage member and
// is valid JSON: the member with the comma before it or, if it is the first,
// with the comma after it.
func (e *envelope) usageMember() extent {
	cut := extent{e.usage, e.values[fieldUsage].end}
	before := e.usage - 1
	for isSpace(e.data[before]) {
		before--
	}
	if e.data[before] == ',' {
		cut.start = before
		return cut
	}
	after := skipSpace(e.data, cut.end)
	if e.data[after] == ',' {
		cut.end = skipSpace(e.data, after+1)
	}
	return cut
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}
