package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// The functions of this file decide what a byte of a passage means.

// take reads a byte that decides what follows. It reports false for one that cannot be there.
func (p *Passage) take(b byte) bool {
	switch p.mode {
	case passStart:
		return b == '{' && p.enter(b)
	case passFirst, passNext:
		if b == '}' && p.mode == passFirst {
			return p.exit(b)
		}
		p.mode, p.nameLen = passName, 0
		return b == '"'
	case passColon:
		p.mode = passValue
		return b == ':'
	case passValue:
		return p.takeValue(b)
	case passMember:
		if b == ',' {
			p.mode = passNext
			return true
		}
		return p.exit(b)
	case passArray:
		p.kind = kindElements[p.kinds[p.depth]]
		if b == '"' {
			p.mode = passString
			return true
		}
		return p.enter(b) || p.exit(b)
	}
	return false // behind the end
}

// takeValue reads the first byte of a member's value.
func (p *Passage) takeValue(b byte) bool {
	container := b == '{' || b == '['
	if b == ',' || b == '}' || b == ']' || b == ':' {
		return false
	}
	p.kind = p.memberKind()
	if p.depth == 1 {
		switch string(p.memberName()) {
		case "usage":
			p.usages++
			p.reporting = b == '{' && p.usages == 1
		case "model":
			p.models++
			p.dropping = b == '"' && p.models == 1 && len(p.model) > 0
		}
	}
	if b == '"' {
		p.mode = passString
		return true
	}
	p.mode = passMember
	return !container || p.enter(b)
}

// memberKind returns the kind of the member whose name was read last. Reasoning under both of its
// names counts once.
func (p *Passage) memberKind() passageKind {
	around := p.kinds[p.depth]
	if around == passNoText {
		return passNoText
	}
	kind := around.member(p.endpoint, p.memberName())
	if kind == passReasoning && p.reasoned {
		return passNoText
	}
	return kind
}

// enter steps into an object or array.
func (p *Passage) enter(b byte) bool {
	if b != '{' && b != '[' || p.depth == jsonscan.NestingMax {
		return false
	}
	p.depth++
	p.kinds[p.depth] = p.kind.within(b)
	p.reasoned = p.reasoned && p.kinds[p.depth] != passDelta
	p.objects[p.depth], p.mode = b == '{', passArray
	if b == '{' {
		p.mode = passFirst
	}
	return true
}

// exit steps out of the object or array that b ends.
func (p *Passage) exit(b byte) bool {
	if b != '}' && b != ']' || p.objects[p.depth] != (b == '}') {
		return false
	}
	p.depth--
	p.reporting = p.reporting && p.depth > 1
	p.after()
	return true
}

// after goes on behind a value.
func (p *Passage) after() {
	switch {
	case p.depth == 0:
		p.mode = passEnd
	case p.objects[p.depth]:
		p.mode = passMember
	default:
		p.mode = passArray
	}
}

// memberName returns the name that was read last; nil if it cannot be one that matters.
func (p *Passage) memberName() []byte {
	if p.nameLen > nameBytesMax {
		return nil
	}
	name := p.name[:p.nameLen]
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	quoted := append(append([]byte{'"'}, name...), '"')
	c := jsonscan.Cursor{Text: quoted}
	_, decoded := c.Decoded()
	if !c.End() {
		return nil
	}
	return decoded
}

// stop returns where the first byte is from i on that is one of the set.
func stop(set *[256]bool, b []byte, i int) int {
	for i < len(b) && !set[b[i]] {
		i++
	}
	return i
}

// What ends the rest of a member that is no string, and the elements of an array that are none.
// Of a member, what cannot follow stops it too.
var (
	ofMember = jsonscan.ByteSet(`,}]{["`)
	ofArray  = jsonscan.ByteSet(`]}[{"`)
)
