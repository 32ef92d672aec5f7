package openai

// toolsMax is how many members of a body have tools at the most: tools, functions, and the
// tools among the arguments of a template.
const toolsMax = 3

// tooling is what a body has of tools beside their text.
type tooling struct {
	lists [toolsMax]extent
	count int
	// named is how often a part names a tool, for which templates show that tool again.
	named int64
}

// tools reads tools.
func (p *parse) tools() {
	p.peek()
	start := p.i
	if p.optional(); !p.bad {
		p.tooling.add(extent{start, p.i})
	}
}

// add notes where tools are.
func (t *tooling) add(at extent) {
	if t.count < len(t.lists) {
		t.lists[t.count] = at
		t.count++
	}
}

// finishTools counts what templates show in the place of parts that name a tool: each may
// name the largest one.
func (p *parse) finishTools() {
	if p.tooling.named > 0 {
		p.in.words += p.tooling.named * p.tooling.largest(p.b)
	}
}

// largest returns how many bytes a template may print of the tools of one name, for which
// they are the most.
func (t *tooling) largest(b []byte) (most int64) {
	sizes := map[string]int64{}
	for _, at := range t.lists[:t.count] {
		c := jsonCursor{b: b[:at.end], i: at.start}
		if c.peek() != '[' {
			most = max(most, printedSize(c.raw()))
			continue
		}
		c.enter('[')
		for c.element() {
			tool := c.raw()
			name := toolName(tool)
			sizes[name] += printedSize(tool)
			most = max(most, sizes[name])
		}
	}
	return most
}

// printedSize returns how many bytes a template may print of JSON text.
func printedSize(raw []byte) int64 {
	var c content
	c.print(raw)
	return c.maybe()
}

// toolName returns the name of a tool, as OpenAI's interface for chats or any other has it.
func toolName(tool []byte) (name string) {
	c := jsonCursor{b: tool}
	if c.peek() != '{' {
		return ""
	}
	c.enter('{')
	for member, ok := c.member(); ok; member, ok = c.member() {
		switch kind := c.peek(); {
		case string(member) == "function" && kind == '{':
			return toolName(c.raw())
		case string(member) == "name" && kind == '"':
			_, inner := c.decoded()
			name = string(inner)
		default:
			c.skip()
		}
	}
	return name
}
