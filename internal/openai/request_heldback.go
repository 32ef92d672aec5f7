package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/failure"

// heldInside says which members that are held back a body has elsewhere than at its top,
// where servers read them too.
type heldInside uint8

const (
	heldEmbeds heldInside = 1 << iota
	heldTemplate
	heldPadding
	heldMostPatches
	heldLeastPatches
	heldImages
	heldAudio
)

// heldNames has their names, in the same order. Input without text may be in a message. A
// chat template, and what makes a prompt longer, servers take from among the arguments of a template
// as well, which go to the function that applies it and makes tokens of what comes out.
// Into how many pieces a picture is cut, each of hundreds of tokens, SGLang takes from beside its address.
// Tensors in the place of media have as many tokens as they say: what is sparse, or the same
// throughout, is of any size in a few bytes.
var heldNames = [...]string{"prompt_embeds", templateName, "padding", "max_dynamic_patch", "min_dynamic_patch", "image_embeds", "audio_embeds"}

const templateName = "chat_template"

// heldAs returns what of a member is held back elsewhere than at the top; 0: nothing.
func heldAs(name []byte) heldInside {
	for i := range heldNames {
		if string(name) == heldNames[i] {
			return 1 << i
		}
	}
	return 0
}

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
		held := heldAs(name) & (heldTemplate | heldPadding)
		isTools := string(name) == "tools"
		switch value := c.value(); {
		case isTools:
			p.tooling.add(value)
		case p.b[value.start] == 'n', held == heldPadding && p.b[value.start] == 'f':
		default:
			p.held |= held
		}
	}
}

// refuseHeldBack refuses a request for a member that is held back.
func (p *parse) refuseHeldBack(name string) {
	if p.err != nil {
		return
	}
	p.reject(failure.InvalidRequest(name, "%s is held back here, because it changes what a request costs or when it runs (%s): "+
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
