package usage

import (
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// The floor is judged without any template, by the counts of every tokenizer,
// and on the texts that each packs best.
func TestFloorIsNeverAboveTheTruth(t *testing.T) {
	extremes, err := readSamples("testdata/extremes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	p := NewPricer(Options{})
	for _, s := range append(texts(t), extremes...) {
		floor := p.Price("user", chat(s.Text)).InputFloor
		for tokenizer, tokens := range s.Tokens {
			if floor > tokens {
				t.Errorf("%s: floor %d of %d tokens: %.60q", tokenizer, floor, tokens, s.Text)
			}
		}
	}
}

// A floor of 0 would be safe too, and useless.
func TestFloorIsOfUse(t *testing.T) {
	shares := make(map[string][]float64)
	p := NewPricer(Options{})
	for _, s := range texts(t) {
		floor := p.Price("user", chat(s.Text)).InputFloor
		shares[s.Kind] = append(shares[s.Kind], float64(floor)/float64(s.Tokens["o200k"]))
	}
	for kind, want := range map[string]float64{"english": 0.6, "korean": 0.35, "code": 0.2, "chinese": 0.08} {
		slices.Sort(shares[kind])
		if median := shares[kind][len(shares[kind])/2]; median < want {
			t.Errorf("%s: the floor is %.2f of the truth, want at least %.2f", kind, median, want)
		}
	}
}

func TestFloorLeavesOutWhatTheTemplateMay(t *testing.T) {
	r := chat("one two three four five six seven")
	plain := NewPricer(Options{}).Price("user", r).InputFloor
	r.Optional.Add([]byte("reasoning that the template drops, and tools: 123456789012345678901234567890"))
	r.Text.AddText(r.Optional)
	if got := NewPricer(Options{}).Price("user", r).InputFloor; got != plain || plain == 0 {
		t.Errorf("floor %d with an optional part and %d without, want the same", got, plain)
	}
}

// A stand-in model server may count a token for each four bytes.
func TestFloorSuitsCountsByLength(t *testing.T) {
	for _, text := range []string{"a b c d e f g h i j k l m n o p", "to be or not to be, that is it", "한국어 문장입니다", "1 2 3 4"} {
		var x, none chars.Text
		x.Add([]byte(text))
		if floor := textFloor(&x, &none); floor > int64(len(text)/4) {
			t.Errorf("%q: floor %d, want at most %d", text, floor, len(text)/4)
		}
	}
}

// TestFloorsOfClasses: what characters of each class are at the least, in an input and in an
// output, alone and where a part of the text may be left out.
func TestFloorsOfClasses(t *testing.T) {
	var extra chars.Text
	extra.Add([]byte("tools 123 도구 工具 的 ツール инструменты “เครื่องมือ”\nNAME"))
	of := func(part string) string { return strings.Repeat(part, 100) }
	for _, tt := range []struct {
		name, text   string
		floor, shown int64
	}{
		{"nothing", "", 0, 0},
		{"Korean", of("한"), 12, 12},
		{"Chinese", of("木"), 8, 8},
		{"Chinese particles", of("的"), 8, 8},
		{"Kana", of("の"), 7, 7},
		{"Cyrillic", of("ж"), 2, 0},
		{"Thai", of("ก"), 4, 0},
		{"small letters", of("x"), 2, 0},
		{"capitals", of("X"), 2, 0},
		{"digits, of which four bytes are a token", of("7"), 25, 25},
		{"digits and letters", of("7x"), 29, 27},
		{"all of them", "한한한한한한木木木木木木的的的的的的のののののの777777", 3, 3},
		{"words", of("word "), 100, 100},
		{"lines of words", of("word \n"), 8, 0},
		{"words in quotes", of("word “"), 8, 0},
		{"words of a letter", "a b c d e f", 2, 2},
	} {
		var x, none chars.Text
		x.Add([]byte(tt.text))
		more := x
		more.AddText(extra)
		if alone, beside := textFloor(&x, &none), textFloor(&more, &extra); alone != tt.floor || beside != tt.floor {
			t.Errorf("%s: the floor is %d, and %d beside what may be left out, want %d", tt.name, alone, beside, tt.floor)
		}
		if got := ShownFloor(&x); got != tt.shown {
			t.Errorf("%s: shown are %d at the least, want %d", tt.name, got, tt.shown)
		}
	}
}
