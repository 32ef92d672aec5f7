package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// heldInside is a set of members that are held back and stand elsewhere than at the top of the
// body, where servers read them too.
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

// heldNames has their names, in the same order. Input without text may be in a message. Servers
// take a chat template, and what makes a prompt longer, from among the arguments of a template too.
// SGLang takes the number of pieces of a picture, each of hundreds of tokens, from beside its
// address. Tensors in the place of media have as many tokens as they say: sparse or uniform ones
// are of any size in a few bytes.
var heldNames = [...]string{
	"prompt_embeds", templateName, "padding", "max_dynamic_patch", "min_dynamic_patch",
	"image_embeds", "audio_embeds",
}

const templateName = "chat_template"

// heldAs returns the set with the member, if it is held back elsewhere than at the top too; else 0.
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
	isObject := p.Peek() == '{'
	start := p.At
	if p.optional(); !isObject || p.Bad {
		return
	}
	c := jsonscan.Cursor{Text: p.Text[:p.At], At: start}
	for name, ok := c.First(); ok; name, ok = c.Member() {
		held := heldAs(name) & (heldTemplate | heldPadding)
		isTools := string(name) == "tools"
		switch value := c.Value(); {
		case isTools:
			p.tooling.add(value)
		case p.Text[value.Start] == 'n', held == heldPadding && p.Text[value.Start] == 'f':
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
	p.reject(failure.InvalidRequest(name,
		"%s is held back here, because it changes what a request costs or when it runs (%s): "+
			"leave it out, or ask the operator to list it in the model's allow-fields",
		name, member.Tables[p.endpoint].Row([]byte(name)).Why))
}

// refuseWaiting refuses a request for a member that is held back, or that is none of the values
// that it can have.
func (p *parse) refuseWaiting(w *waiting) {
	value := w.value.Of(p.Text)
	_, isInteger := parseInteger(value)
	switch {
	case w.Reader == member.ReadPriority && !isInteger:
		p.reject(wrongValue(w.name, "an integer", value))
	case w.Reader == member.ReadBackground && value[0] != 't':
		p.reject(wrongValue(w.name, "true or false", value))
	default:
		p.refuseHeldBack(w.name)
	}
}
