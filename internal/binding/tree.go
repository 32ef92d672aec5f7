package binding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// node turns a node of the library into ours. Aliases are expanded in place,
// within the bound on nodes, so that nothing later has to know of them.
func (p *parsing) node(n ast.Node, depth int) *Node {
	if n == nil {
		return &Node{At: Position{File: p.file}}
	}
	p.nodes++
	switch {
	case depth > NestingMax:
		p.tooLarge(n.GetToken(), tooNested)
		return &Node{Kind: BrokenKind}
	case p.nodes > nodesMax:
		p.tooLarge(n.GetToken(), Wrong(
			fmt.Sprintf("the file has more than %d values, its aliases expanded", nodesMax),
			"use fewer aliases"))
		return &Node{Kind: BrokenKind}
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

// tag reports a tag, and returns its value. A text that begins with ! is no tag of the next line.
func (p *parsing) tag(n *ast.TagNode, depth int) *Node {
	t := n.GetToken()
	m := Wrong("tags are not used here", "remove "+Quote(strings.TrimSpace(t.Value))+
		", or put a text that begins with ! in quotes")
	if n.Value == nil || n.Value.GetToken().Position.Line != t.Position.Line {
		p.lost(t, m)
		return &Node{Kind: BrokenKind, At: p.at(t)}
	}
	p.report.Add(p.at(t), "", "", m.Problem, m.Remedy)
	return p.node(n.Value, depth+1)
}

// tooLarge reports once that a bound is exceeded, at the alias that leads there if one does. The
// nodes that follow stay empty, so that the rest takes no time.
func (p *parsing) tooLarge(t *token.Token, m *Mistake) {
	if p.nodes > 2*nodesMax {
		return
	}
	p.nodes = 2 * nodesMax
	if p.expanding != nil {
		t = p.expanding
	}
	p.lost(t, m)
}

func (p *parsing) scalar(n ast.Node) *Node {
	t := n.GetToken()
	out := &Node{Kind: ScalarKind, At: p.at(t), Text: t.Value}
	switch n := n.(type) {
	case *ast.NullNode:
		out.Kind, out.Text = NullKind, ""
		if t.Type == token.ImplicitNullType {
			out.Kind = EmptyKind
		}
	case *ast.LiteralNode:
		out.Text = n.Value.Value
	case *ast.CommentGroupNode, *ast.DirectiveNode:
		out.Kind, out.Text = EmptyKind, ""
	}
	return out
}

func (p *parsing) list(n *ast.SequenceNode, depth int) *Node {
	out := &Node{Kind: ListKind, At: p.at(n.GetToken())}
	for _, v := range n.Values {
		out.Items = append(out.Items, p.node(v, depth+1))
	}
	return out
}

// mapping keeps the order of the keys, refuses duplicates, and lets a key of
// the map itself win over one that `<<` merges in.
func (p *parsing) mapping(n *ast.MappingNode, depth int) *Node {
	out := &Node{Kind: MapKind, At: p.mappingAt(n)}
	var merged []*Node
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
		if first := out.Entry(e.Key); first != nil {
			problem := fmt.Sprintf("the key %s is already given in line %d",
				Quote(e.Key), first.At.Line)
			p.report.Add(e.At, "", "", problem, "keep one of the two")
			continue
		}
		e.Value = p.node(v.Value, depth+1)
		if e.Value.Kind == EmptyKind {
			e.Value.At = e.At // it is not written, and has the place of its key
		}
		out.Set(e)
	}
	for _, m := range merged {
		for _, e := range m.Fields {
			if out.Entry(e.Key) == nil {
				out.Set(e)
			}
		}
	}
	if len(out.Fields) == 0 && lost {
		out.Kind = BrokenKind // none of its keys can be read
	}
	return out
}

// mappingAt is where a map begins: its brace, or its first key.
func (p *parsing) mappingAt(n *ast.MappingNode) Position {
	if !n.IsFlowStyle && len(n.Values) > 0 {
		return p.at(n.Values[0].Key.GetToken())
	}
	return p.at(n.GetToken())
}

// key reads the key of a map, and reports whether it is one.
func (p *parsing) key(k ast.MapKeyNode) (Entry, bool) {
	t := k.GetToken()
	switch k.(type) {
	case *ast.AliasNode: // the library takes the next line's key for the name of a * alone
		p.lost(t, starIsAlias)
		return Entry{}, false
	case *ast.MappingKeyNode, *ast.AnchorNode, *ast.TagNode:
		p.lost(t, Wrong("a key must be plain text",
			"write it without indicator, anchor or tag, in quotes if need be"))
		return Entry{}, false
	}
	if hasPlaceholder(t.Value) {
		p.lost(t, Wrong("variables are not filled into keys", "write the name itself"))
		return Entry{}, false
	}
	return Entry{Key: t.Value, At: p.at(t)}, true
}

// mergeKey returns the maps that `<<` names, the first taking precedence.
func (p *parsing) mergeKey(v *ast.MappingValueNode, depth int) []*Node {
	source := p.node(v.Value, depth+1)
	list := []*Node{source}
	if source.Kind == ListKind {
		list = source.Items
	}
	if slices.ContainsFunc(list, func(n *Node) bool { return n.Kind != MapKind }) {
		p.lost(v.Key.GetToken(),
			Wrong("<< does not name a map", "write an alias of a map, or a list of them"))
		return nil
	}
	return list
}

// anchor makes the value known under its name after it has been read, so that
// an alias inside it is an alias of nothing.
func (p *parsing) anchor(n *ast.AnchorNode, depth int) *Node {
	out := p.node(n.Value, depth+1)
	p.anchors[n.Name.GetToken().Value] = n.Value
	return out
}

func (p *parsing) alias(n *ast.AliasNode, depth int) *Node {
	name := n.Value.GetToken().Value
	target, ok := p.anchors[name]
	if !ok {
		p.lost(n.GetToken(), Wrong("the alias *"+name+" has no anchor before it",
			"write &"+name+" at the value that is meant, "+
				"or quotes around a text that begins with *"))
		return &Node{Kind: BrokenKind, At: p.at(n.GetToken())}
	}
	if p.expanding == nil {
		p.expanding = n.GetToken()
		defer func() { p.expanding = nil }()
	}
	return p.node(target, depth+1)
}
