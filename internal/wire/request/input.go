package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// inputSide is one side of the pairs that are to be scored.
type inputSide struct {
	Content
	items int64
	most  int64 // items that a server may see: some take for several what others take for one
	lone  bool  // one of the members that say it has a single item
}

// input reads a member that ends in the prompt.
func (p *parse) input(m member.Reader) {
	if s := says(m, p.endpoint); s != 0 && !p.IsNull() {
		p.r.Twofold = p.r.Twofold || p.said&s != 0
		p.said |= s
	}
	switch m {
	case member.ReadMessages:
		p.messageList("messages")
	case member.ReadInput:
		p.inputMember()
	case member.ReadPrompt:
		p.prompts("prompt")
	case member.ReadTokens:
		p.prompts("tokens")
	case member.ReadSystem:
		p.system()
	case member.ReadTools:
		p.tools()
	case member.ReadSuffix:
		p.optional()
	case member.ReadTemplateArguments:
		p.templateArguments()
	case member.ReadDocuments:
		p.documents()
	case member.ReadQuery, member.ReadLeft:
		p.side(&p.left)
	case member.ReadRight:
		p.side(&p.right)
	default: // previous_input_messages, previous_response
		before := p.in.maybe()
		p.content(&p.in.Optional)
		p.r.Beside += p.in.maybe() - before
	}
}

// said is a set of what members say, where several can say the same.
type said uint8

const (
	saidPrompt said = 1 << iota
	saidLeft
	saidRight
)

// says returns what a member says that others can say too; 0: nothing of the kind.
func says(m member.Reader, e wire.Endpoint) said {
	switch m {
	case member.ReadMessages, member.ReadInput, member.ReadPrompt, member.ReadTokens:
		return saidPrompt
	case member.ReadQuery, member.ReadLeft:
		return saidLeft
	case member.ReadRight:
		return saidRight
	case member.ReadDocuments:
		if e == wire.Rerank || e == wire.Score {
			return saidRight
		}
	}
	return 0
}

// system reads what becomes the first message.
func (p *parse) system() {
	if p.IsNull() {
		p.Skip()
		return
	}
	p.in.Messages++
	p.content(&p.in.Text)
}

// messageList reads the named member, a list of messages.
func (p *parse) messageList(name string) {
	switch p.Peek() {
	case '[':
		p.messages()
	case 'n':
		p.Skip()
	default:
		p.rejectInput(name, "a list of messages")
	}
}

// rejectInput refuses the value ahead without quoting any of it.
func (p *parse) rejectInput(name, wants string) {
	p.reject(failure.InvalidRequest(name, "%s must be %s, is %s", name, wants, shape(p.Raw())))
}

// inputMember reads the member "input": one text or items for Responses; prompts or messages for
// what pools.
func (p *parse) inputMember() {
	switch {
	case p.endpoint != wire.Responses:
		p.prompts("input")
	case p.Peek() == '"':
		p.in.Messages++
		p.text(&p.in.Text)
	default:
		p.messageList("input")
	}
}

// documents reads the member of that name: what is to be ranked or scored, or what a chat
// template may put into the prompt.
func (p *parse) documents() {
	if says(member.ReadDocuments, p.endpoint) == saidRight {
		p.side(&p.right)
		return
	}
	p.optional()
}

// side reads one side of the pairs to score: an item, or a list of items.
func (p *parse) side(s *inputSide) {
	var items, parts int64
	p.in = &s.Content
	switch kind := p.Peek(); kind {
	case '[':
		items, parts = p.sideList()
	case 'n':
		p.Skip()
	default:
		start := p.At
		items = 1
		p.content(&p.in.Text)
		if kind == '{' && !p.Bad {
			parts = p.partsIn(start)
		}
	}
	p.in = &p.r.Content
	s.items += items
	s.most += max(items, parts)
	s.lone = s.lone || items == 1
}

// sideList reads a list of items. It returns how many items there are, and how many a server may
// take them for. Numbers are the ids of the tokens of one item.
func (p *parse) sideList() (items, parts int64) {
	var ids int64
	p.Enter('[')
	for p.Element() {
		if p.elementKind() == '0' {
			ids++
		} else {
			items++
		}
		p.content(&p.in.Text)
	}
	if parts = items + ids; ids > 0 {
		items++
	}
	return items, parts
}

// partsIn returns how many parts the content of an object has, which begins at start and has been
// read. vLLM once took each part for an item.
func (p *parse) partsIn(start int) (n int64) {
	c := jsonscan.Cursor{Text: p.Text[:p.At], At: start}
	for name, ok := c.First(); ok; name, ok = c.Member() {
		if string(name) != "content" {
			c.Skip()
			continue
		}
		for in := c.Enter('['); in && c.Element(); {
			n++
			c.Skip()
		}
	}
	return n
}

// finishInput sums up what the prompts consist of.
func (p *parse) finishInput() {
	r := &p.r
	if p.left.items > 0 || p.right.items > 0 {
		p.finishPairs()
	}
	r.Prompts = max(r.Prompts, 1)
	if p.tooling.named > 0 {
		p.in.Words += p.tooling.named * p.tooling.largest(p.Text)
	}
	if p.common.Words > 0 || p.common.Optional.Bytes() > 0 {
		p.in.add(&p.common, r.Prompts)
	}
	if r.Optional.Bytes() > 0 {
		r.Text.AddText(r.Optional)
	}
}

// finishPairs makes a prompt of every pair. A single item is paired with each of the other side;
// otherwise the first is paired with the first and so on. Servers disagree about the number of
// items, about the members that say them, and about which side may be the single one: what only
// some of them do is optional.
func (p *parse) finishPairs() {
	left, right := &p.left, &p.right
	surely := int64(1)
	if left.items == 1 {
		surely = max(right.items, 1)
	}
	p.addSide(left, surely, right.most)
	p.addSide(right, 1, left.most)
	p.r.Prompts = max(left.most, right.most)
}

// addSide adds one side of the pairs as often as it is surely in prompts, and at the most.
func (p *parse) addSide(s *inputSide, surely, most int64) {
	p.in.add(&s.Content, surely)
	if s.lone && most > surely {
		p.in.add(s.Content.asOptional(), most-surely)
	}
}
