package binding

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// BytesMax bounds a file.
const BytesMax = 16 << 20

// Parse turns the bytes of a file into a tree, a map or nothing. It reports whether nothing
// is missing of it: what cannot be read is a mistake, and left out.
func Parse(file string, b []byte, r *Report) (root *Node, whole bool) {
	p := &parsing{file: file, report: r, anchors: map[string]ast.Node{}, whole: true}
	text := strings.TrimPrefix(string(b), "\ufeff")
	root = &Node{}
	switch {
	case len(text) > BytesMax:
		p.lost(nil, Wrong(fmt.Sprintf("the file has %d bytes", len(text)),
			fmt.Sprintf("at most %d are read", BytesMax)))
	case !utf8.ValidString(text):
		p.lost(nil, Wrong("the file is not UTF-8", "save it as UTF-8"))
	default:
		root = p.node(p.document(text), 0)
	}
	if p.nodes >= 2*nodesMax { // what is behind a bound is not looked at
		root = &Node{}
	}
	if root.Kind != MapKind && root.Kind != EmptyKind {
		if root.Kind != BrokenKind {
			r.Add(root.At, "", "",
				"the file is "+root.Kind.String()+" where settings are expected", r.Advice.Keys)
		}
		root, p.whole = &Node{}, false
	}
	root.At = Position{File: file, Line: 1, Column: 1}
	root.locate("")
	return root, p.whole
}

// parsing is the state of turning one file into a tree.
type parsing struct {
	file      string
	report    *Report
	anchors   map[string]ast.Node
	nodes     int
	expanding *token.Token // the outermost alias that is being expanded, if any
	whole     bool         // nothing of the file is missing in the tree
}

// document returns the content of the only document; nil when it is empty or cannot be read. A
// panic of the library is one more way of saying that it cannot: the bytes are anyone's.
func (p *parsing) document(text string) ast.Node {
	defer func() {
		if recover() != nil {
			p.lost(nil, Wrong("the file cannot be read as YAML", ""))
		}
	}()
	tokens := joinScalars(lexer.Tokenize(text))
	if m := bounded(tokens, p.report.Advice.ManyKeys); m != nil {
		p.lost(nil, m)
		return nil
	}
	// The library looks for duplicate keys in quadratic time: mapping finds them instead.
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p.syntax(text, err)
		return nil
	}
	return p.only(f.Docs)
}

// only returns the content of the document that has any.
func (p *parsing) only(docs []*ast.DocumentNode) (body ast.Node) {
	for _, d := range docs {
		switch {
		case d.Body == nil || d.Body.Type() == ast.DirectiveType:
		case body == nil:
			body = d.Body
		default:
			p.lost(d.Body.GetToken(),
				Wrong("a second document begins here", p.report.Advice.Documents))
			return body
		}
	}
	return body
}

// syntax reports what the library says about a file, without the excerpt that
// it prints, which may hold a secret.
func (p *parsing) syntax(text string, err error) {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		p.whole = false
		at, m := explain(text, p.at(e.GetToken()), e.GetMessage())
		p.report.Add(at, "", "", m.Problem, m.Remedy)
		return
	}
	p.lost(nil, Wrong(err.Error(), ""))
}

// lost notes a mistake for which the tree lacks something; t is nil where that is the whole file.
func (p *parsing) lost(t *token.Token, m *Mistake) {
	p.whole = false
	p.report.Add(p.at(t), "", "", m.Problem, m.Remedy)
}

func (p *parsing) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: p.file}
	}
	return Position{File: p.file, Line: t.Position.Line, Column: t.Position.Column}
}
