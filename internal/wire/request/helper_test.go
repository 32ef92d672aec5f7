package request

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"

func counted(s string) chars.Text {
	var t chars.Text
	t.Add([]byte(s))
	return t
}

// always is the rules of every model.
type always FieldRules

func (r always) FieldRules(string) FieldRules { return FieldRules(r) }
