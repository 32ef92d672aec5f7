package config

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

// parse turns the bytes of a file into a tree, and reports whether nothing is missing
// of it. A file without content is emptyKind.
func parse(file string, b []byte, r *report) (root *node, whole bool) {
	top := position{file: file, line: 1, column: 1}
	p := &parsing{file: file, report: r, anchors: map[string]ast.Node{}, whole: true}
	b = []byte(strings.TrimPrefix(string(b), "\ufeff"))
	if m := readable(b); m != nil {
		r.add(position{file: file}, "", "", *m)
		return &node{at: top}, false
	}
	root = p.node(p.document(string(b)), 0)
	if p.nodes >= 2*nodesMax { // what is behind a bound is not looked at
		root = &node{}
	}
	if root.kind != mapKind && root.kind != emptyKind {
		if root.kind != brokenKind {
			r.add(root.at, "", "", mistake{"the file is " + root.kind.String() + " where settings are expected", "write keys such as server: and vllm:"})
		}
		root, p.whole = &node{}, false
	}
	root.at = top
	return root, p.whole
}

func readable(b []byte) *mistake {
	switch {
	case len(b) > configBytesMax:
		return &mistake{fmt.Sprintf("the file has %d bytes", len(b)), fmt.Sprintf("at most %d are read", configBytesMax)}
	case !utf8.Valid(b):
		return &mistake{"the file is not UTF-8", "save it as UTF-8"}
	}
	return nil
}

// parsing is the state of turning one file into a tree.
type parsing struct {
	file    string
	report  *report
	anchors map[string]ast.Node
	nodes   int
	// expanding is the outermost alias that is being expanded, if any.
	expanding *token.Token
	whole     bool // nothing of the file is missing in the tree
}

// document returns the content of the only document; nil when it is empty or
// cannot be read. A panic of the library is one more way of saying that it
// cannot: the bytes are anyone's.
func (p *parsing) document(text string) ast.Node {
	defer func() {
		if recover() != nil {
			p.lost(position{file: p.file}, mistake{problem: "the file cannot be read as YAML"})
		}
	}()
	tokens := joinScalars(lexer.Tokenize(text))
	if m := bounded(tokens); m != nil {
		p.lost(position{file: p.file}, *m)
		return nil
	}
	// The library looks for duplicate keys in quadratic time and stops at the
	// first: see (*parsing).mapping.
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
			p.lost(p.at(d.Body.GetToken()), mistake{"a second document begins here", "keep one document in a file; profiles have files of their own"})
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
		p.lost(explain(text, p.at(e.GetToken()), e.GetMessage()))
		return
	}
	p.lost(position{file: p.file}, mistake{problem: err.Error()})
}

// lost notes a mistake for which something is missing in the tree.
func (p *parsing) lost(at position, m mistake) {
	p.whole = false
	p.report.add(at, "", "", m)
}

func (p *parsing) add(t *token.Token, m mistake) { p.report.add(p.at(t), "", "", m) }

func (p *parsing) at(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{file: p.file}
	}
	return position{file: p.file, line: t.Position.Line, column: t.Position.Column}
}
