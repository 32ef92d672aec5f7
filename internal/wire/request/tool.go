package request

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// toolsMax is how many members of a body have tools at the most: tools, functions, and the tools
// among the arguments of a template.
const toolsMax = 3

// tooling is what a body has of tools beside their text.
type tooling struct {
	lists [toolsMax]jsonscan.Extent
	count int
	// named is how often a part names a tool, for which templates show that tool again.
	named int64
}

// tools reads tools.
func (p *parse) tools() {
	p.Peek()
	start := p.At
	if p.optional(); !p.Bad {
		p.tooling.add(jsonscan.Extent{Start: start, End: p.At})
	}
}

// add notes where tools are.
func (t *tooling) add(at jsonscan.Extent) {
	if t.count < len(t.lists) {
		t.lists[t.count] = at
		t.count++
	}
}

// largest returns how many bytes a template may print of the tools of one name, for which they
// are the most. Templates show them in the place of a part that names a tool.
func (t *tooling) largest(b []byte) (most int64) {
	sizes := map[string]int64{}
	for _, at := range t.lists[:t.count] {
		c := jsonscan.Cursor{Text: b[:at.End], At: at.Start}
		if c.Peek() != '[' {
			most = max(most, printedSize(c.Raw()))
			continue
		}
		c.Enter('[')
		for c.Element() {
			tool := c.Raw()
			name := toolName(tool)
			sizes[name] += printedSize(tool)
			most = max(most, sizes[name])
		}
	}
	return most
}

// printedSize returns how many bytes a template may print of JSON text.
func printedSize(raw []byte) int64 {
	var c Content
	c.print(raw)
	return c.maybe()
}

// toolName returns the name of a tool, as OpenAI's interface for chats or any other has it.
func toolName(tool []byte) (name string) {
	c := jsonscan.Cursor{Text: tool}
	for member, ok := c.First(); ok; member, ok = c.Member() {
		switch kind := c.Peek(); {
		case string(member) == "function" && kind == '{':
			return toolName(c.Raw())
		case string(member) == "name" && kind == '"':
			_, inner := c.Decoded()
			name = string(inner)
		default:
			c.Skip()
		}
	}
	return name
}
