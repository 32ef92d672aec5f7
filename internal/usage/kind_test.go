package usage

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// TestKindOf: what a text mostly is, judged by all classes of a script together and by how
// many tokens their characters have.
func TestKindOf(t *testing.T) {
	const prose, code, hangul, han, other = proseKind, codeKind, hangulKind, hanKind, otherKind
	for _, tt := range []struct {
		text string
		want int
	}{
		{"", prose},
		{"words of prose, with a comma", prose},
		{"IN CAPITALS", prose},
		{"some words AND CAPITALS 한국어", prose},
		{"if (a[i] == 10) { b += 2; }", code},
		{"0x1f 0x2e abc", code},
		{"some of it, and 3 of each: nine words of prose", prose},
		{"한국어 문장", hangul},
		{"한국어 문장 with a few words", hangul},
		{"中文句子木", han},
		{"的了是", han},
		{"ひらがなカタカナ", han},
		{"漢字とかな交じり 한국어 한국어", han},
		{"中文的句子 안녕하세", han},
		{"русский текст", other},
		{"ภาษาไทย", other},
		{"🙂🙃🙂", other},
		{"русский ไทย🙂 한국어다", other},
	} {
		var text chars.Text
		text.Add([]byte(tt.text))
		var x features
		x.ofText(&text)
		if got := kindOf(&x); got != tt.want {
			t.Errorf("%q is of kind %d, want %d", tt.text, got, tt.want)
		}
	}
}

// TestKindDoesNotDependOnLength: a text and many of it are of one kind.
func TestKindDoesNotDependOnLength(t *testing.T) {
	for _, s := range texts(t)[:500] {
		var once, often chars.Text
		once.Add([]byte(s.Text))
		often.Add([]byte(strings.Repeat(s.Text, 20)))
		var x, y features
		x.ofText(&once)
		y.ofText(&often)
		if kindOf(&x) != kindOf(&y) {
			t.Errorf("%.60q is of kind %d, and 20 times of kind %d", s.Text, kindOf(&x), kindOf(&y))
		}
	}
}
