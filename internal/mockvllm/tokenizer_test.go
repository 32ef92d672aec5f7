package mockvllm

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTokenize(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"hello", []string{"hello"}},
		{"hello world", []string{"hello", " world"}},
		{"internationalization", []string{"intern", "ationa", "lizati", "on"}},
		{"2026-08", []string{"202", "6", "-", "08"}},
		{"안녕 세계", []string{"안", "녕", " 세", "계"}},
		{"日本語です。", []string{"日", "本", "語", "で", "す", "。"}},
		{"a  b", []string{"a", " ", " b"}},
		{"a\n\n  b", []string{"a", "\n\n ", " b"}},
		{"a ", []string{"a", " "}},
		{"a !", []string{"a", " ", "!"}},
		{"naïve", []string{"naïve"}},
		{"\x00\xff", []string{"\x00", "\xff"}},
	} {
		var got []string
		for _, id := range Tokenize(c.text) {
			got = append(got, Detokenize([]int64{id}))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
		if n := CountTokens(c.text); n != int64(len(c.want)) {
			t.Errorf("%q counts %d tokens, want %d", c.text, n, len(c.want))
		}
	}
}

// TestText shows that generated tokens can be counted in what arrived, and
// that none appears twice.
func TestText(t *testing.T) {
	const tokens = 3_000
	for _, language := range []Language{Latin, Korean} {
		for _, choice := range []int{0, 1, 7} {
			text := Text(language, choice, tokens)
			if n := CountTokens(text); n != tokens {
				t.Errorf("%q choice %d: %d tokens count as %d", language, choice, tokens, n)
			}
			if !strings.HasPrefix(text, Text(language, choice, tokens-1)) {
				t.Errorf("%q choice %d: one token less is no prefix", language, choice)
			}
			seen := make(map[string]bool)
			for _, id := range Tokenize(text) {
				piece := strings.TrimSpace(Detokenize([]int64{id}))
				if seen[piece] {
					t.Fatalf("%q choice %d: token %q appears twice", language, choice, piece)
				}
				seen[piece] = true
			}
		}
	}
}

func FuzzTokenize(f *testing.F) {
	for _, text := range []string{"hello world", "안녕, 2026", " \n\t  a", "\x00\xff", "e\u0301", strings.Repeat("가", 9)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids := Tokenize(text)
		if got := Detokenize(ids); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
		if n := CountTokens(text); n != int64(len(ids)) {
			t.Errorf("%q counts %d tokens, but has %d", text, n, len(ids))
		}
		for _, id := range ids {
			if piece := Detokenize([]int64{id}); id < 0 || id >= 1<<48 || utf8.ValidString(text) && !utf8.ValidString(piece) {
				t.Errorf("%q has the bad token %d", text, id)
			}
		}
	})
}
