package chars

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// checkJSON compares the two ways to decode what is between the quotes of a string.
func checkJSON(t *testing.T, data []byte) {
	t.Helper()
	c := jsonscan.Cursor{Text: append(append([]byte(`"`), data...), '"')}
	inner, decoded := c.Decoded()
	if !c.End() {
		return
	}
	var text Text
	text.AddJSON(inner)
	if want := textOf(string(decoded)); !text.Equal(want) {
		t.Fatalf("%q: counted %+v, want %+v", inner, text, want)
	}
}

func TestAddJSON(t *testing.T) {
	for _, in := range []string{``, `plain`, `a\nb\t\"\\\/`, `\b\f\r`, `\uc548\ub155`, `\ud83d\ude00!`, `\ud83d`, `\ud83dx`, `\ude00\ud83d`, `안\u0041`} {
		checkJSON(t, []byte(in))
		checkJSON(t, []byte(strings.Repeat(in, 99)))
	}
}

func FuzzAddJSON(f *testing.F) {
	f.Add([]byte(`a\nb\t\"\\\/ \ud83d\ude00! 안\u0041`))
	f.Fuzz(checkJSON)
}
