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

// Bounds on a file. They are far above what a configuration needs and keep
// the YAML library, whose work grows with the square of the nesting and which
// has no bound of its own, within time and stack.
const (
	fileBytesMax = 1 << 20
	nestingMax   = 64
	nodesMax     = 200_000 // with aliases expanded
)

// parse turns the bytes of a file into a tree. Mistakes go to the report,
// and then the tree is not to be used. A file without content is emptyKind.
func parse(file string, b []byte, r *report) *node {
	p := &parsing{file: file, report: r, anchors: map[string]ast.Node{}}
	b = []byte(strings.TrimPrefix(string(b), "\ufeff"))
	if m := readable(b); m != nil {
		r.add(position{file: file}, "", "", *m)
		return &node{}
	}
	body, err := p.document(string(b))
	if err != nil {
		p.syntax(err)
		return &node{}
	}
	root := p.node(body, 0)
	if root.kind != mapKind && root.kind != emptyKind {
		r.add(root.at, "", "", mistake{"the file is " + root.kind.String() + " where settings are expected", "write keys such as server: and vllm:"})
	}
	root.at = position{file: file, line: 1, column: 1}
	return root
}

func readable(b []byte) *mistake {
	switch {
	case len(b) > fileBytesMax:
		return &mistake{fmt.Sprintf("the file has %d bytes", len(b)), fmt.Sprintf("at most %d are read", fileBytesMax)}
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
}

// errNesting is reported without a place in the library's tree.
var errNesting = fmt.Errorf("the file nests deeper than %d levels", nestingMax)

// document returns the content of the only document; nil when it is empty.
// The library is kept from panicking through: it reads bytes of anyone.
func (p *parsing) document(text string) (body ast.Node, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = errors.New("the file cannot be read as YAML")
		}
	}()
	tokens := lexer.Tokenize(text)
	if tooDeep(tokens) {
		return nil, errNesting
	}
	// The library looks for duplicate keys in quadratic time and stops at the
	// first: see (*parsing).mapping.
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, d := range f.Docs {
		switch {
		case d.Body == nil || d.Body.Type() == ast.DirectiveType:
		case body != nil:
			p.add(d.Body.GetToken(), mistake{"a second document begins here", "keep one document in a file; profiles have files of their own"})
			return nil, nil
		default:
			body = d.Body
		}
	}
	return body, nil
}

// tooDeep reports whether brackets, or indicators that follow one another
// (`- - -`, `? ? ?`, `&a &a`), nest beyond the bound. Nesting by indentation
// is bounded by the size of the file.
func tooDeep(tokens token.Tokens) bool {
	brackets, run := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		}
		switch t.Type {
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType, token.AliasType:
			run++
		case token.MappingValueType, token.StringType: // belongs to what precedes it
		default:
			run = 0
		}
		if t.Prev != nil && t.Prev.Position.Line != t.Position.Line {
			run = min(run, 1)
		}
		if max(brackets, run) > nestingMax {
			return true
		}
	}
	return false
}

// syntax reports what the library says about a file, without the excerpt that
// it prints, which may hold a secret.
func (p *parsing) syntax(err error) {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		p.add(e.GetToken(), mistake{problem: e.GetMessage(), remedy: syntaxRemedy(e)})
		return
	}
	p.report.add(position{file: p.file}, "", "", mistake{problem: err.Error()})
}

func syntaxRemedy(e yaml.Error) string {
	if strings.Contains(e.GetMessage(), "mapping value is not allowed") {
		return `check the indentation, and quote a value that holds ": " or ends in ":"`
	}
	return ""
}

func (p *parsing) add(t *token.Token, m mistake) { p.report.add(p.at(t), "", "", m) }

func (p *parsing) at(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{file: p.file}
	}
	return position{file: p.file, line: t.Position.Line, column: t.Position.Column}
}
