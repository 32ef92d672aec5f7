package main

import (
	"regexp"
	"strings"
)

var (
	// luaSkips finds what is no code: comments and strings.
	luaSkips = regexp.MustCompile(`--[^\n]*|'[^'\n]*'|"[^"\n]*"`)
	// luaOperators finds what swaps knows. A minus before a number is no operator.
	luaOperators = regexp.MustCompile(`==|~=|<=|>=|[<>+*/]| - |\b(?:and|or|min|max|true|false)\b`)
	// luaCalls finds statements that are a call.
	luaCalls = regexp.MustCompile(`(?m)^[ \t]+([a-zA-Z_.]+\([^\n]*\))$`)
	luaNot   = regexp.MustCompile(`\bnot `)
	// luaNumber finds what makes a number of a text behind a plus, which is no operator either.
	luaNumber = regexp.MustCompile(`^ 0\b`)
)

// luaMutants returns the mutants of a script.
func luaMutants(a *area, path string, text []byte) []mutant {
	code := luaSkips.ReplaceAllFunc(text, func(b []byte) []byte { return []byte(strings.Repeat("\x00", len(b))) })
	var all []mutant
	for _, at := range luaOperators.FindAllIndex(code, -1) {
		was := string(code[at[0]:at[1]])
		if was == "+" && luaNumber.Match(code[at[1]:]) {
			continue
		}
		op := strings.TrimSpace(was)
		for _, by := range swaps[op] {
			if by == "!=" {
				by = "~="
			}
			all = append(all, mutant{a, path, text, at[0], at[1], strings.Replace(was, op, by, 1)})
		}
	}
	for _, at := range luaNot.FindAllIndex(code, -1) {
		all = append(all, mutant{a, path, text, at[0], at[1], ""})
	}
	for _, at := range luaCalls.FindAllSubmatchIndex(code, -1) {
		all = append(all, mutant{a, path, text, at[2], at[3], ""})
	}
	return all
}
