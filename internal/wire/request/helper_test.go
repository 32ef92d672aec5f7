package request

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"

func counted(s string) chars.Text {
	var t chars.Text
	t.Add([]byte(s))
	return t
}
