package binding

import "testing"

func TestExpand(t *testing.T) {
	env := variables{"A": "1", "EMPTY": "", "NESTED": "${A}", "_x9": "u"}
	for text, want := range map[string]string{
		"plain":              "plain",
		"${A}":               "1",
		"${A:2}":             "1",
		"${B:2}":             "2",
		"${B:}":              "",
		"${EMPTY}":           "",
		"${EMPTY:2}":         "",
		"a${A}b${_x9}c":      "a1buc",
		"${U:http://h:80/a}": "http://h:80/a",
		"${NESTED}":          "${A}",
		"$${A}":              "${A}",
		"$$${A}":             "$${A}",
		"$A {A} }":           "$A {A} }",
	} {
		i := Interpolation{Env: env.look}
		got, m := i.Expand(text)
		if got != want || m != nil {
			t.Errorf("%s becomes %q (%v), want %q", text, got, m, want)
		}
	}
}

func TestEscapeUndoesExpand(t *testing.T) {
	i := Interpolation{Env: variables{}.look}
	for _, text := range []string{"", "a", "${A}", "$${A}", "${", "}${}$$", "$$${"} {
		if got, m := i.Expand(escape(text)); got != text || m != nil {
			t.Errorf("%q becomes %q by %q (%v)", text, got, escape(text), m)
		}
	}
}
