package openai

// Answer is what the gateway must know of an answer that is one JSON object.
// The zero value is an answer that tells nothing.
type Answer struct {
	// Usage is what the model server says was spent. InputTold and OutputTold
	// tell an explicit zero from a number that is absent, null or none.
	Usage                 Usage
	InputTold, OutputTold bool
	// OddUsage is set where a number of tokens is there and is not written as one.
	OddUsage bool

	model extent // of the value of the member model, a string
}

// HasUsage reports whether the answer tells any number of tokens.
func (a *Answer) HasUsage() bool { return a.InputTold || a.OutputTold }

// ReadAnswer reads the body of an answer whose status is 200. A body that is
// not a JSON object, or has a member twice that matters here, is no error: the
// answer then tells nothing. It keeps nothing of body, and allocates only
// for a member's name that has an escape.
func ReadAnswer(body []byte) Answer {
	var a Answer
	c := jsonCursor{b: body}
	if c.peek() != '{' || !a.read(&c) || !c.end() {
		return Answer{}
	}
	return a
}

// read reads the object ahead, and reports whether it has neither member twice.
func (a *Answer) read(c *jsonCursor) bool {
	var hasUsage, hasModel bool
	c.open()
	for name, ok := c.member(); ok; name, ok = c.member() {
		switch string(name) {
		case "usage":
			if hasUsage {
				return false
			}
			hasUsage = true
			u := c.usage()
			a.Usage, a.InputTold, a.OutputTold, a.OddUsage = u.Usage, u.input, u.output, u.odd
		case "model":
			if hasModel {
				return false
			}
			hasModel = true
			a.readModel(c)
		default:
			c.skip()
		}
	}
	return true
}

// readModel takes the place of the model's name, if the value ahead is a string.
func (a *Answer) readModel(c *jsonCursor) {
	isString := c.peek() == '"'
	if at := c.value(); isString {
		a.model = at
	}
}

// IsWhole reports whether body is one JSON value, and not the beginning of one. It
// allocates nothing. Whether an answer has come to its end can be told by that where
// nothing else marks its end.
func IsWhole(body []byte) bool {
	c := jsonCursor{b: body}
	if c.peek() == 0 {
		return false
	}
	c.skip()
	return c.end()
}

// AnswerText counts the text that was generated in the body of an answer, for one
// that tells no usage: contents, reasoning, refusals, names and arguments of tool
// calls. Where body is no JSON object, or has a member twice that the gateway knows, it
// is the whole body; for endpoints that generate nothing it is empty. It allocates nothing.
func AnswerText(e Endpoint, body []byte) (text Text) {
	var env envelope
	if !env.parse(body) {
		text.Add(body)
		return text
	}
	f := fields
	switch e {
	case ChatCompletions, Completions:
		f = fieldChoices
	case Responses:
		f = fieldOutput
	case Messages:
		f = fieldContent
	}
	if f == fields || !env.values[f].isSet() {
		return text
	}
	sink := textSink{all: &text}
	c := jsonCursor{b: env.data, i: env.values[f].start}
	if f != fieldChoices {
		sink.addContent(&c)
		return text
	}
	if !c.enter('[') {
		return text
	}
	for c.element() {
		readChoice(&c, sink)
	}
	return text
}

// AppendParts appends what AppendBody makes of body, in parts of it and what comes
// between them, to parts.
func (a *Answer) AppendParts(parts [][]byte, body []byte, publicModel string) [][]byte {
	if publicModel == "" || !a.model.isSet() {
		return append(parts, body)
	}
	return append(parts, body[:a.model.start], appendQuoted(nil, publicModel), body[a.model.end:])
}

// AppendBody appends body, which must be what the answer was read from, with
// the model's name replaced by publicModel. Every other byte stays as it is. An
// empty name, or a body without a model, changes nothing.
func (a *Answer) AppendBody(dst, body []byte, publicModel string) []byte {
	if publicModel == "" || !a.model.isSet() {
		return append(dst, body...)
	}
	dst = append(dst, body[:a.model.start]...)
	dst = appendQuoted(dst, publicModel)
	return append(dst, body[a.model.end:]...)
}
