package openai

// embedsName is the member that holds input without text; it may also be in a message.
const embedsName = "prompt_embeds"

// templateName is the member that holds a chat template, and paddingName one that makes a
// prompt longer; servers take both from among the arguments of a template as well, which
// go to the function that applies it and makes tokens of what comes out.
const (
	templateName = "chat_template"
	paddingName  = "padding"
)

// templateArguments reads what a chat template is called with.
func (p *parse) templateArguments() {
	isObject := p.peek() == '{'
	start := p.i
	if p.optional(); !isObject || p.bad {
		return
	}
	c := jsonCursor{b: p.b[:p.i], i: start}
	c.enter('{')
	for name, ok := c.member(); ok; name, ok = c.member() {
		switch value := c.peek(); string(name) {
		case templateName:
			p.hasTemplate = p.hasTemplate || value != 'n'
		case paddingName:
			p.hasPadding = p.hasPadding || value != 'n' && value != 'f'
		case "tools":
			p.tooling.add(c.value())
			continue
		}
		c.skip()
	}
}

// refuseHeldBack refuses a request for a member that is held back.
func (p *parse) refuseHeldBack(name string) {
	if p.err != nil {
		return
	}
	p.reject(InvalidRequest(name, "%s is held back here, because it changes what a request costs or when it runs (%s): "+
		"leave it out, or ask the operator to list it in the model's allow-fields", name, whyHeldBack(p.endpoint, name)))
}

// whyHeldBack returns the reason that the table has.
func whyHeldBack(e Endpoint, name string) string {
	return endpointMembers[e].slotOf([]byte(name)).row.why
}

// refuseWaiting refuses a request for a member that is held back, or that is none of
// the values that it can have.
func (p *parse) refuseWaiting(w *waiting) {
	value := w.value.of(p.b)
	_, isInteger := parseInteger(value)
	switch {
	case w.param == paramPriority && !isInteger:
		p.reject(wrongValue(w.name, "an integer", value))
	case w.param == paramBackground && value[0] != 't':
		p.reject(wrongValue(w.name, "true or false", value))
	default:
		p.refuseHeldBack(w.name)
	}
}
