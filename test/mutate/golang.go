package main

import (
	"go/ast"
	"go/parser"
	"go/token"
)

// goMutants returns the mutants of a file in Go.
func goMutants(a *area, path string, text []byte) ([]mutant, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []mutant
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	replace := func(at token.Pos, was string) {
		for _, by := range swaps[was] {
			all = append(all, mutant{a, path, text, offset(at), offset(at) + len(was), by})
		}
	}
	drop := func(n ast.Node) {
		all = append(all, mutant{a, path, text, offset(n.Pos()), offset(n.End()), ""})
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.IMPORT && n.Tok != token.CONST // numbers are nobody's mistake
		case *ast.BinaryExpr:
			replace(n.OpPos, n.Op.String())
		case *ast.IncDecStmt:
			replace(n.TokPos, n.Tok.String())
		case *ast.AssignStmt:
			replace(n.TokPos, n.Tok.String())
			if n.Tok == token.ASSIGN {
				drop(n)
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				all = append(all, mutant{a, path, text, offset(n.OpPos), offset(n.OpPos) + 1, ""})
			}
		case *ast.Ident:
			replace(n.Pos(), n.Name)
		case *ast.ExprStmt:
			drop(n)
		}
		return true
	})
	return all, nil
}
