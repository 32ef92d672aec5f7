package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Content is what prompts consist of, as far as it has a price. The zero value is nothing. While a
// body is read, Text is without Optional.
type Content struct {
	// Text is all text that ends in a prompt, or may: whatever a chat template, a tool's schema,
	// a grammar or a tokenizer may see of the body, known members and unknown ones, keys and
	// numbers too. What a prompt has in common with others of the request counts for each.
	Text chars.Text
	// Optional counts the text in Text that may be missing from the prompt, because templates
	// differ: everything but what users, the system and tools say.
	Optional chars.Text
	// Words is how many bytes the protocol's own words have in the messages, with their
	// punctuation: roles, types, names of members. Text leaves them out, because the overhead of a
	// message covers them; but a template that prints a message as it came prints them too. They
	// include the bytes that JSON adds to a text, and ids of tokens that only control sampling,
	// where a request has more of them than usual.
	Words    int64
	Messages int64 // messages or input items, each with the chat template's overhead
	// TokenIDs is the number of tokens that are given as numbers.
	TokenIDs int64
	// Images is the number of pictures. A video counts as the 32 frames that vLLM samples from
	// one by default.
	Images int64
	// AudioParts is the number of audio recordings. AudioSeconds is the length of AudioTimed of
	// them, as far as the body tells it: it tells nothing of recordings that are fetched from
	// elsewhere.
	AudioParts   int64
	AudioTimed   int64
	AudioSeconds float64
}

// add adds another content n times.
func (c *Content) add(o *Content, n int64) {
	c.Text.AddTimes(&o.Text, n)
	c.Optional.AddTimes(&o.Optional, n)
	c.Words += n * o.Words
	c.Messages += n * o.Messages
	c.TokenIDs += n * o.TokenIDs
	c.Images += n * o.Images
	c.AudioParts += n * o.AudioParts
	c.AudioTimed += n * o.AudioTimed
	c.AudioSeconds += float64(n) * o.AudioSeconds
}

// asOptional returns the content with all of its text optional.
func (c *Content) asOptional() *Content {
	o := *c
	o.Optional.AddText(c.Text)
	o.Text = chars.Text{}
	return &o
}

// punctuation is the bytes that JSON, or whatever a template prints in its place, puts around a
// name or an element: quotes, a colon, a comma and spaces.
const punctuation = 6

// content adds a value that ends in a prompt to t: a string is text; of a list each element counts,
// of an object the members. Everything counts that a template could print: unexpected values go
// into the optional text as they stand.
func (p *parse) content(t *chars.Text) {
	switch p.Peek() {
	case '"':
		p.text(t)
	case '[':
		p.in.Words += punctuation
		p.Enter('[')
		for p.Element() {
			p.in.Words += punctuation
			p.content(t)
		}
	case '{':
		p.part(t, mediaMembers{})
	default:
		p.rendered()
	}
}

// parts reads the content of a message. The objects of a list are its parts; in OpenAI's interface
// for chats, vLLM takes them without a type.
func (p *parse) parts(t *chars.Text) {
	if p.Peek() != '[' {
		p.content(t)
		return
	}
	e := p.endpoint
	m := mediaMembers{isPart: e == wire.ChatCompletions || e.Pools() || e == wire.Tokenize}
	p.in.Words += punctuation
	p.Enter('[')
	for p.Element() {
		p.in.Words += punctuation
		if p.Peek() == '{' {
			p.part(t, m)
		} else {
			p.content(t)
		}
	}
}

// text reads a string as text, which stands apart from the text before it.
func (p *parse) text(t *chars.Text) {
	if inner, escaped := p.Cursor.Str(); escaped {
		p.in.Words += t.AddJSON(inner)
	} else {
		t.Add(inner)
	}
	t.End()
}

// rendered reads a value that a template may put into the prompt, as JSON or, if it is a string,
// as it is: its keys, strings, numbers and truth values, at any depth.
func (p *parse) rendered() {
	switch p.Peek() {
	case '"':
		p.text(&p.in.Optional)
	case 'n':
		p.in.Words += punctuation
		p.Skip()
	default:
		p.in.print(p.Raw())
	}
}

// print counts JSON text that a template may print.
func (c *Content) print(raw []byte) {
	if string(raw) == "[]" || string(raw) == ephemeral {
		c.Words += int64(len(raw))
		return
	}
	c.Words += c.Optional.AddJSON(raw) + lineBytes*structure(raw)
	c.Optional.End()
}

// lineBytes is how many bytes a template adds for each name, value and bracket of JSON that it
// prints in lines of their own: the line's end and the indent, a token each.
const lineBytes = 2

// structure returns how many brackets, commas and colons there are in JSON text.
func structure(raw []byte) (n int64) {
	for _, b := range raw {
		n += int64(isStructure[b])
	}
	return n
}

// isStructure has 1 for what stands between the strings and numbers of JSON.
var isStructure = func() (set [256]uint8) {
	for _, b := range []byte("[]{},:") {
		set[b] = 1
	}
	return set
}()

// ephemeral is what clients of Anthropic's interface write beside every other part.
const ephemeral = `{"type":"ephemeral"}`

// optional reads a member of the body that the chat template may put into the prompt, or that
// becomes a grammar. All of it is priced, as [parse.rendered] does, for each prompt of the request.
func (p *parse) optional() {
	name := p.Name
	if n := p.shared(); n > 0 && !p.carried(name) {
		p.r.Beside += n
	}
}

// shared reads a value that a template may put into each prompt of the request, and returns how
// many bytes of text and words it has.
func (p *parse) shared() int64 {
	before, in := p.common.maybe(), p.in
	p.in = &p.common
	p.rendered()
	p.in = in
	return p.common.maybe() - before
}

// maybe returns how many bytes a template may print that it does not surely print.
func (c *Content) maybe() int64 { return c.Optional.Bytes() + c.Words }

// carried reports whether a member of the body needs no place in a question for the number of
// tokens, or has one.
func (p *parse) carried(name jsonscan.Extent) bool {
	switch string(p.Text[name.Start+1 : name.End-1]) {
	case "tools":
		return true
	case templateName, "chat_template_kwargs":
		return p.endpoint != wire.Messages // count_tokens has no such members
	}
	return false
}

// message reads a message or an item. Its content is surely in the prompt only where every template
// prints it: of a user, the system or a tool. Templates drop reasoning and more of earlier answers,
// and unknown roles. The order of the members matters only for lists of parts, which are not read
// twice.
func (p *parse) message() {
	if p.Peek() != '{' {
		p.content(&p.in.Optional)
		return
	}
	said := &p.in.Optional
	plain := true
	var first jsonscan.Extent // a text that came before the role, as some libraries write it
	var m mediaMembers
	for name, ok := p.First(); ok; name, ok = p.Member() {
		switch string(name) {
		case "role":
			p.in.Words += int64(len(name)) + punctuation
			if p.role() && plain {
				said = &p.in.Text
			}
		case "content":
			p.in.Words += int64(len(name)) + punctuation
			if said == &p.in.Optional && plain && p.Peek() == '"' {
				first = p.Value()
			} else {
				p.parts(said)
			}
		case "type":
			p.kind(&m)
			if plain = m.kind <= messageKind; !plain {
				said = &p.in.Optional
			}
		default:
			p.partMember(&m, name, &p.in.Optional)
		}
	}
	if first.IsSet() && !p.Bad {
		p.in.Words += said.AddJSON(p.Text[first.Start+1 : first.End-1])
		said.End()
	}
	p.finishMedia(&m)
}

// part reads an object of a prompt: a part of a message's content, a tool call, what a tool has
// answered. Its text belongs to t if its type is known to be that of text.
func (p *parse) part(t *chars.Text, m mediaMembers) {
	for name, ok := p.First(); ok; name, ok = p.Member() {
		if string(name) == "type" {
			p.kind(&m)
		} else {
			p.partMember(&m, name, t)
		}
	}
	p.finishMedia(&m)
}

// partMember reads a member of a message or part. The protocol's own names are no text: each adds a
// word or two of the vocabulary, which the price of a message covers and Words bounds. Any other
// name counts, as its value does.
func (p *parse) partMember(m *mediaMembers, name []byte, t *chars.Text) {
	switch string(name) {
	case "text":
		if m.kind != textKind {
			t = &p.in.Optional
		}
		p.in.Words += int64(len(name)) + punctuation
		p.content(t)
	case "content", "output", "summary", "tool_calls", "function", "function_call":
		p.in.Words += int64(len(name)) + punctuation
		p.content(&p.in.Optional)
	case "input":
		p.in.Words += int64(len(name)) + punctuation
		p.toolInput()
	case "name", "arguments", "parameters", "id", "tool_call_id", "tool_use_id", "call_id",
		"refusal", "thinking", "reasoning", "reasoning_content", "status", "annotations",
		"logprobs", "cache_control":
		p.in.Words += int64(len(name)) + punctuation
		p.rendered()
	case "prompt_embeds":
		p.promptEmbeds()
	case "uuid":
		m.uuid = p.Value()
	default:
		if p.mediaMember(m, name) {
			return
		}
		p.in.print(p.Name.Of(p.Text))
		p.rendered()
	}
}

// toolInput reads what a tool was called with. In Anthropic's interface that is an object, not a
// text. Servers print it as JSON of ASCII alone, and some models see it so.
func (p *parse) toolInput() {
	p.Peek()
	start := p.At
	if p.rendered(); p.endpoint.Anthropic() && !p.Bad {
		p.in.Words += chars.ASCIIGrowth(p.Text[start:p.At])
	}
}

// promptEmbeds reads input without text, whose size tells the tokens. It is held back, as the
// member of the body is.
func (p *parse) promptEmbeds() {
	if p.IsNull() {
		p.Skip()
		return
	}
	p.held |= heldEmbeds
	p.in.Images += 1 + embeds(p.Value().Len())
}

// role reads who says a message, and reports whether every template prints that.
func (p *parse) role() bool {
	if p.Peek() != '"' {
		p.rendered()
		return false
	}
	inner, _ := p.Cursor.Str()
	switch string(inner) {
	case "user", "system", "tool":
		p.in.Words += int64(len(inner))
		return true
	case "assistant", "developer", "function":
		p.in.Words += int64(len(inner))
		return false
	}
	p.in.print(inner)
	return false
}

// messages reads a list of messages, each with its overhead. A list inside the list is another
// conversation: for embeddings vLLM takes several.
func (p *parse) messages() {
	p.Enter('[')
	for p.Element() {
		if p.Peek() == '[' {
			p.r.Prompts++
			p.messages()
			continue
		}
		p.in.Messages++
		p.message()
	}
}
