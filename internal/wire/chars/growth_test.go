package chars

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestGrowthOfCharacters compares each character with what the two forms make of it that
// tokenizers have texts in.
func TestGrowthOfCharacters(t *testing.T) {
	var worst float64
	for r := rune(0x80); r < 0x30000; r++ {
		s := string(r)
		grown := int64(max(len(norm.NFC.String(s)), len(norm.NFKC.String(s))) - len(s))
		switch got := growth([]byte(s)); {
		case got < grown:
			t.Errorf("%U grows by %d bytes, said to be %d", r, grown, got)
		case got > max(0, grown)+2, got > 0 && grown <= 0:
			t.Errorf("%U grows by %d bytes, said to be %d: more than is true", r, grown, got)
		}
		worst = max(worst, float64(grown)/float64(len(s)))
	}
	if worst != 10 {
		t.Errorf("the worst grows by %.1f times its bytes", worst)
	}
}

// TestGrowthInASCII: JSON is longer where it is ASCII throughout.
func TestGrowthInASCII(t *testing.T) {
	for input, plain := range map[string]string{
		`{"a":"b c"}`: `{"a":"b c"}`, `"né"`: `"né"`, `{"이름":["안녕"]}`: `{"이름":["안녕"]}`, `"😀"`: `"😀"`, `"\uc548\u00e9\ud83d\ude00"`: `"안é😀"`,
	} {
		ascii := strings.Trim(strconv.QuoteToASCII(plain), `"`)
		ascii = strings.NewReplacer(`\"`, `"`, `\U0001f600`, `\ud83d\ude00`).Replace(ascii)
		if grown := int64(len(ascii) - len(plain)); ASCIIGrowth([]byte(input)) < grown || ASCIIGrowth([]byte(input)) > 2*grown {
			t.Errorf("%s grows by %d bytes to %s, said to be %d", input, grown, ascii, ASCIIGrowth([]byte(input)))
		}
	}
}

// TestGrowthOfTexts: a text grows as its characters do, wherever it is cut, and markup as the
// standard library's JSON for web pages does.
func TestGrowthOfTexts(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0,
		"plain words, 안녕 漢字 été \u0939": 0,
		"a<b>&'c'":                5 * markupGrowth,
		"가<나'다":                   2 * markupGrowth,
		strings.Repeat("<", 1000): 1000 * markupGrowth,
		"\U0001D160x\u0958":       8 + 3,
		"\uFDFA":                  30,
	} {
		got := textOf(text)
		var pieces, twice Text
		for i := range len(text) {
			pieces.Add([]byte(text[i : i+1]))
		}
		twice.AddText(got)
		twice.AddText(got)
		if got.Growth() != want || pieces.Growth() != want || twice.Growth() != 2*want {
			t.Errorf("%.20q grows by %d bytes, in pieces by %d, twice by %d; want %d", text, got.Growth(), pieces.Growth(), twice.Growth(), want)
		}
	}
	const markup = "<&>"
	if quoted, err := json.Marshal(markup); err != nil || int64(len(quoted)-2-len(markup)) != textOf(markup).Growth() {
		t.Errorf("%s, and it is said to grow by %d (%v)", quoted, textOf(markup).Growth(), err)
	}
}
