package chars

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func textOf(s string) Text {
	var t Text
	t.Add([]byte(s))
	return t
}

func TestTextCountsCharactersAndRuns(t *testing.T) {
	type counts map[Class][2]int64 // characters, runs
	tests := []struct {
		text string
		want counts
	}{
		{"", counts{}},
		{"a  bc", counts{Lower: {3, 2}, Space: {2, 1}}},
		{"getName()\n\n", counts{Lower: {6, 2}, Upper: {1, 1}, Punct: {2, 1}, Newline: {2, 1}}},
		{"1,234", counts{Digit: {4, 2}, Punct: {1, 1}}},
		{"한국어 문장 ㅋㅋ", counts{Hangul: {7, 3}, Space: {2, 2}}},
		{"漢字とカナ。", counts{Han: {2, 1}, Kana: {3, 1}, Mark: {1, 1}}},
		{"我的書", counts{Particle: {2, 1}, Han: {1, 1}}},
		{"été Привет", counts{Letter: {8, 3}, Lower: {1, 1}, Space: {1, 1}}},
		{"“สวัสดี” 🙂", counts{Mark: {2, 2}, Other: {6, 1}, Astral: {1, 1}, Space: {1, 1}}},
	}
	for _, tt := range tests {
		got := textOf(tt.text)
		for c := range Class(Classes) {
			if g := [2]int64{got.Chars(c), got.Runs(c)}; g != tt.want[c] {
				t.Errorf("%q: class %d: characters and runs = %v, want %v", tt.text, c, g, tt.want[c])
			}
		}
		if got.Bytes() != int64(len(tt.text)) {
			t.Errorf("%q: bytes = %d, want %d", tt.text, got.Bytes(), len(tt.text))
		}
	}
}

func TestTextLongerThanABlock(t *testing.T) {
	got := textOf(strings.Repeat("ab ", 1000) + strings.Repeat("x", 1000))
	if got.Chars(Lower) != 3000 || got.Runs(Lower) != 1001 || got.Chars(Space) != 1000 {
		t.Errorf("lower %d in %d runs, space %d; want 3000 in 1001, 1000",
			got.Chars(Lower), got.Runs(Lower), got.Chars(Space))
	}
}

func TestTextAddTextKeepsTheSeam(t *testing.T) {
	got := textOf("ab")
	got.AddText(textOf("cd"))
	got.Add([]byte("e"))
	if got.Chars(Lower) != 5 || got.Runs(Lower) != 3 || got.Bytes() != 5 {
		t.Errorf("got %+v, want 5 characters in 3 runs", got)
	}
}

func TestTextDoesNotAllocate(t *testing.T) {
	s := []byte("plain text, 한국어, 中文")
	var x Text
	if n := testing.AllocsPerRun(100, func() { x.Add(s) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestTextClasses has every character of the basic plane between two of ASCII, and wants
// it to be of the class that its bytes tell.
func TestTextClasses(t *testing.T) {
	for r := rune(0x80); r <= 0xFFFF; r++ {
		char := []byte(string(r)) // of a surrogate it is U+FFFD
		var got, want Text
		got.Add([]byte("-" + string(r) + "b"))
		want.count(Punct)
		want.count(wideClass(char))
		want.count(Lower)
		want.bytes, want.growth = got.bytes, growth(char)
		if got != want {
			t.Fatalf("%U: %+v, want %+v", r, got, want)
		}
	}
}

// FuzzTextPieces cuts a text anywhere, also inside characters.
func FuzzTextPieces(f *testing.F) {
	for _, s := range []string{"", "abc", "한국어 text", "été 漢字 🙂🙂", "\xff\x80\xe3", strings.Repeat("a한 ", 200)} {
		f.Add([]byte(s), 1, 3)
	}
	f.Fuzz(func(t *testing.T, s []byte, i, j int) {
		var whole, pieces Text
		whole.Add(s)
		for _, p := range cut(s, i, j) {
			pieces.Add(p)
		}
		if !whole.Equal(pieces) {
			t.Errorf("whole %+v\npieces %+v", whole, pieces)
		}
		checkSums(t, s, whole)
	})
}

func cut(s []byte, i, j int) [][]byte {
	i = min(max(i, 0), len(s))
	j = min(max(j, i), len(s))
	return [][]byte{s[:i], s[i:j], nil, s[j:]}
}

func checkSums(t *testing.T, s []byte, x Text) {
	t.Helper()
	var chars int64
	for c := range Class(Classes) {
		chars += x.Chars(c)
		if x.Runs(c) > x.Chars(c) || (x.Runs(c) == 0) != (x.Chars(c) == 0) {
			t.Errorf("class %d: %d runs of %d characters", c, x.Runs(c), x.Chars(c))
		}
	}
	if utf8.Valid(s) && chars != int64(utf8.RuneCount(s)) {
		t.Errorf("%d characters counted, want %d", chars, utf8.RuneCount(s))
	}
}

func BenchmarkTextAdd(b *testing.B) {
	for name, s := range map[string]string{
		"english": "The quick brown fox jumps over the lazy dog, twice a day. ",
		"code":    "\tif err := s.Close(); err != nil {\n\t\treturn fmt.Errorf(\"close: %w\", err)\n\t}\n",
		"korean":  "오늘 회의에서는 다음 분기 예산을 검토하고 담당자를 정했습니다. ",
		"chinese": "今天的会议讨论了下个季度的预算，并确定了负责人。",
	} {
		text := bytes.Repeat([]byte(s), 4096/len(s))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var t Text
			for b.Loop() {
				t.Add(text)
			}
		})
	}
}
