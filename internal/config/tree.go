package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// node turns a node of the library into ours. Aliases are expanded in place,
// within the bound on nodes, so that nothing later has to know of them.
func (p *parsing) node(n ast.Node, depth int) *node {
	if n == nil {
		return &node{at: position{file: p.file}}
	}
	p.nodes++
	switch {
	case depth > nestingMax:
		p.tooLarge(n.GetToken(), *tooNested)
		return &node{kind: brokenKind}
	case p.nodes > nodesMax:
		p.tooLarge(n.GetToken(), mistake{fmt.Sprintf("the file has more than %d values, its aliases expanded", nodesMax), "use fewer aliases"})
		return &node{kind: brokenKind}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return p.mapping(n, depth)
	case *ast.SequenceNode:
		return p.list(n, depth)
	case *ast.AnchorNode:
		return p.anchor(n, depth)
	case *ast.AliasNode:
		return p.alias(n, depth)
	case *ast.TagNode:
		return p.tag(n, depth)
	}
	return p.scalar(n)
}

// tag reports a tag, and returns what it is of. A text that begins with ! is no tag of
// what the next line has.
func (p *parsing) tag(n *ast.TagNode, depth int) *node {
	t := n.GetToken()
	m := mistake{"tags are not used here", "remove " + quote(strings.TrimSpace(t.Value)) + ", or put a text that begins with ! in quotes"}
	if n.Value == nil || n.Value.GetToken().Position.Line != t.Position.Line {
		p.lost(p.at(t), m)
		return &node{kind: brokenKind, at: p.at(t)}
	}
	p.add(t, m)
	return p.node(n.Value, depth+1)
}

// tooLarge reports once that a bound is exceeded, at the alias that leads
// there if one does. The nodes that follow stay empty, so that the rest takes
// no time.
func (p *parsing) tooLarge(t *token.Token, m mistake) {
	if p.nodes > 2*nodesMax {
		return
	}
	p.nodes = 2 * nodesMax
	if p.expanding != nil {
		t = p.expanding
	}
	p.lost(p.at(t), m)
}

func (p *parsing) scalar(n ast.Node) *node {
	t := n.GetToken()
	out := &node{kind: scalarKind, at: p.at(t), text: t.Value}
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind, out.text = nullKind, ""
		if t.Type == token.ImplicitNullType {
			out.kind = emptyKind
		}
	case *ast.LiteralNode:
		out.text = n.Value.Value
	case *ast.CommentGroupNode, *ast.DirectiveNode:
		out.kind, out.text = emptyKind, ""
	}
	return out
}

func (p *parsing) list(n *ast.SequenceNode, depth int) *node {
	out := &node{kind: listKind, at: p.at(n.GetToken())}
	for _, v := range n.Values {
		out.items = append(out.items, p.node(v, depth+1))
	}
	return out
}

// mapping keeps the order of the keys, refuses duplicates, and lets a key of
// the map itself win over one that `<<` merges in.
func (p *parsing) mapping(n *ast.MappingNode, depth int) *node {
	out := &node{kind: mapKind, at: p.mappingAt(n)}
	var merged []*node
	lost := false
	for _, v := range n.Values {
		if v.Key.IsMergeKey() {
			merged = append(merged, p.mergeKey(v, depth)...)
			continue
		}
		e, ok := p.key(v.Key)
		if !ok {
			lost = true
			continue
		}
		if first := out.entry(e.key); first != nil {
			p.add(v.Key.GetToken(), mistake{
				problem: fmt.Sprintf("the key %s is already given in line %d", quote(e.key), first.at.line),
				remedy:  "keep one of the two",
			})
			continue
		}
		e.value = p.node(v.Value, depth+1)
		p.place(&e)
		out.set(e)
	}
	for _, m := range merged {
		out.fill(m)
	}
	if len(out.fields) == 0 && lost {
		out.kind = brokenKind // none of its keys can be read
	}
	return out
}

// mappingAt is where a map begins: its brace, or its first key.
func (p *parsing) mappingAt(n *ast.MappingNode) position {
	if !n.IsFlowStyle && len(n.Values) > 0 {
		return p.at(n.Values[0].Key.GetToken())
	}
	return p.at(n.GetToken())
}

// place gives a value that is not written a place, that of its key.
func (p *parsing) place(e *entry) {
	if e.value.kind == emptyKind {
		e.value.at = e.at
	}
}

func (p *parsing) key(k ast.MapKeyNode) (entry, bool) {
	t := k.GetToken()
	switch k.(type) {
	case *ast.AliasNode: // the library takes the next line's key for the name of a * alone
		p.lost(p.at(t), starIsAlias)
		return entry{}, false
	case *ast.MappingKeyNode, *ast.AnchorNode, *ast.TagNode:
		p.lost(p.at(t), mistake{"a key must be plain text", "write it without indicator, anchor or tag, in quotes if need be"})
		return entry{}, false
	}
	if hasPlaceholder(t.Value) {
		p.lost(p.at(t), mistake{"variables are not filled into keys", "write the name itself"})
		return entry{}, false
	}
	return entry{key: t.Value, at: p.at(t)}, true
}

// mergeKey returns the maps that `<<` names, the first taking precedence.
func (p *parsing) mergeKey(v *ast.MappingValueNode, depth int) []*node {
	source := p.node(v.Value, depth+1)
	list := []*node{source}
	if source.kind == listKind {
		list = source.items
	}
	if slices.ContainsFunc(list, func(n *node) bool { return n.kind != mapKind }) {
		p.lost(p.at(v.Key.GetToken()), mistake{"<< does not name a map", "write an alias of a map, or a list of them"})
		return nil
	}
	return list
}

// fill adds the keys of m that n lacks.
func (n *node) fill(m *node) {
	for _, e := range m.fields {
		if n.entry(e.key) == nil {
			n.set(e)
		}
	}
}

// anchor makes the value known under its name after it has been read, so that
// an alias inside it is an alias of nothing.
func (p *parsing) anchor(n *ast.AnchorNode, depth int) *node {
	out := p.node(n.Value, depth+1)
	p.anchors[n.Name.GetToken().Value] = n.Value
	return out
}

func (p *parsing) alias(n *ast.AliasNode, depth int) *node {
	name := n.Value.GetToken().Value
	target, ok := p.anchors[name]
	if !ok {
		p.lost(p.at(n.GetToken()), mistake{"the alias *" + name + " has no anchor before it", "write &" + name + " at the value that is meant, or quotes around a text that begins with *"})
		return &node{kind: brokenKind, at: p.at(n.GetToken())}
	}
	if p.expanding == nil {
		p.expanding = n.GetToken()
		defer func() { p.expanding = nil }()
	}
	return p.node(target, depth+1)
}
