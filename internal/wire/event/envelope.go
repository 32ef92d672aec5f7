package event

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// Member names a member of an answer or event that the gateway looks at.
type Member uint8

// The fields.
const (
	MemberChoices Member = iota
	memberCode
	MemberContent
	MemberContentBlock
	memberCreated
	memberCreatedAt
	MemberDelta
	MemberError
	memberFingerprint
	memberID
	MemberIndex
	MemberMessage
	MemberModel
	memberObject
	MemberOutput
	MemberResponse
	MemberSequence
	MemberStopReason
	MemberType
	MemberUsage
	Members // their number; also what any other member is
)

func memberOf(name []byte) Member {
	switch string(name) {
	case "choices":
		return MemberChoices
	case "code":
		return memberCode
	case "content":
		return MemberContent
	case "content_block":
		return MemberContentBlock
	case "created":
		return memberCreated
	case "created_at":
		return memberCreatedAt
	case "delta":
		return MemberDelta
	case "error":
		return MemberError
	case "id":
		return memberID
	case "index":
		return MemberIndex
	case "message":
		return MemberMessage
	case "model":
		return MemberModel
	case "object":
		return memberObject
	case "output":
		return MemberOutput
	case "response":
		return MemberResponse
	case "sequence_number":
		return MemberSequence
	case "stop_reason":
		return MemberStopReason
	case "system_fingerprint":
		return memberFingerprint
	case "type":
		return MemberType
	case "usage":
		return MemberUsage
	}
	return Members
}

// Envelope says where an object has the members that the gateway looks at. The zero value is an
// object without members.
type Envelope struct {
	Data   []byte                   // the text that the object is in
	Values [Members]jsonscan.Extent // of the value; zero where the member is absent
	usage  int                      // start of the usage member's name
}

// Parse reads data, which must be one JSON object and nothing more. It reports false for anything
// else, and for an object that has one of the members twice: such data has no single meaning.
func (e *Envelope) Parse(data []byte) bool {
	c := jsonscan.Cursor{Text: data}
	return c.Peek() == '{' && e.read(&c) && c.End()
}

// Nested reads the object that is a member of another, which is known to be valid. It reports
// false where the member is not an object or has a member twice.
func (e *Envelope) Nested(outer *Envelope, f Member) bool {
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
		f := memberOf(name)
		if f == Members {
			c.Skip()
			continue
		}
		if f == MemberUsage {
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
func (e *Envelope) At(f Member) jsonscan.Cursor {
	v := e.Values[f]
	return jsonscan.Cursor{Text: e.Data[:v.End], At: v.Start}
}

// Has reports whether the member is there and not null.
func (e *Envelope) Has(f Member) bool {
	v := e.Values[f]
	return v.IsSet() && e.Data[v.Start] != 'n'
}

// raw returns the JSON text of the member's value, nil where it is absent.
func (e *Envelope) raw(f Member) []byte {
	if v := e.Values[f]; v.IsSet() {
		return v.Of(e.Data)
	}
	return nil
}

// Inner returns what is between the quotes of a member that is a string, nil where it is not one.
func (e *Envelope) Inner(f Member) []byte {
	raw := e.raw(f)
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// Count returns a member that is a number of tokens or an index.
func (e *Envelope) Count(f Member) (n int64, ok bool) {
	c := e.At(f)
	return c.Count()
}

// UsageMember returns what to cut out so that the object has no usage member and stays valid JSON:
// the member with the comma before it or, if it is the first, with the comma after it.
func (e *Envelope) UsageMember() jsonscan.Extent {
	cut := jsonscan.Extent{Start: e.usage, End: e.Values[MemberUsage].End}
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
