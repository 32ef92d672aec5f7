package openai

// videoFrames is how many pictures a video counts as: the number of frames that
// vLLM samples by default (num_frames of its VideoMediaIO).
const videoFrames = 32

// content is what one or several prompts consist of.
type content struct {
	text, optional     Text // apart: what is surely in the prompt, and what may be
	messages           int64
	tokenIDs           int64
	images, audioParts int64
	audioSeconds       float64
	optionally         int // > 0: what is read now is optional
}

// add adds another content.
func (c *content) add(o *content) {
	c.text.AddText(o.text)
	c.optional.AddText(o.optional)
	c.messages += o.messages
	c.tokenIDs += o.tokenIDs
	c.images += o.images
	c.audioParts += o.audioParts
	c.audioSeconds += o.audioSeconds
}

// addTimes adds another content n times, in O(log n).
func (c *content) addTimes(o content, n int64) {
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			c.add(&o)
		}
		twice := o
		o.add(&twice)
	}
}

// target returns the text that what is read now belongs to.
func (c *content) target() *Text {
	if c.optionally > 0 {
		return &c.optional
	}
	return &c.text
}

// content reads what ends in a prompt: a string is text, of a list each element
// counts, of an object the members that are rendered.
func (p *parse) content() {
	switch p.peek() {
	case '"':
		p.text()
	case '[':
		p.enter('[')
		for p.element() {
			p.content()
		}
	case '{':
		p.part()
	default:
		p.skip()
	}
}

// text reads a string as text, which stands apart from the text before it.
func (p *parse) text() {
	t := p.in.target()
	if inner, escaped := p.jsonCursor.str(); escaped {
		addJSONText(t, inner)
	} else {
		t.Add(inner)
	}
	t.End()
}

// rendered reads a value that is put into the prompt as JSON, or as it is if it
// is a string.
func (p *parse) rendered() {
	switch p.peek() {
	case '"':
		p.text()
	case 'n':
		p.skip()
	default:
		addJSONText(p.in.target(), p.raw())
	}
}

// part reads an object of a prompt: a message, a part of a message's content, a
// tool call, an input item. It goes by the members' names, which mean the same
// wherever they occur, and not by "type", which vLLM does not insist on either.
func (p *parse) part() {
	p.enter('{')
	var hasMedia, hasUUID bool
	for name, ok := p.member(); ok; name, ok = p.member() {
		switch string(name) {
		case "text", "content", "name", "refusal", "thinking", "output", "summary",
			"function", "tool_calls", "function_call":
			p.content()
		case "arguments", "input", "parameters":
			p.rendered()
		case "reasoning", "reasoning_content", "tools":
			p.optional()
		case "type":
			p.partType()
		case "prompt_embeds":
			p.heldBackUnlessNull(name)
		case "uuid":
			hasUUID = !p.isNull()
			p.skip()
		default:
			hasMedia = p.media(name) || hasMedia
		}
	}
	if hasUUID && !hasMedia {
		p.in.images++ // one that the model server has in its cache
	}
}

// optional reads a value of which the chat template decides whether it is in
// the prompt.
func (p *parse) optional() {
	p.in.optionally++
	p.rendered()
	p.in.optionally--
}

// partType reads the member "type" of a part.
func (p *parse) partType() {
	if p.peek() != '"' {
		p.skip()
		return
	}
	inner, escaped := p.jsonCursor.str()
	if escaped {
		inner = appendUnescaped(nil, inner)
	}
	if string(inner) == "prompt_embeds" {
		p.heldBack("prompt_embeds")
	}
}

// messages reads a list of messages, each with its overhead. A list inside the
// list is another conversation: for embeddings vLLM takes several.
func (p *parse) messages() {
	p.enter('[')
	for p.element() {
		if p.peek() == '[' {
			p.r.Prompts++
			p.messages()
			continue
		}
		p.in.messages++
		p.content()
	}
}
