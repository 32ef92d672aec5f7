package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// korean says in Korean what the reference says in English; nil says it in
// English. It notes what it could not say, and what it was not asked for.
type korean struct {
	texts   map[string]string // by what they are in English
	unsaid  map[string]bool   // of texts: those that nobody has asked for
	missing []string
}

// readKorean reads sentences, each on a line of its own, with their Korean on
// the next, behind a tab. # stands for a number.
func readKorean(t testing.TB, pairs string) *korean {
	t.Helper()
	k := &korean{texts: map[string]string{}, unsaid: map[string]bool{}}
	english := ""
	for line := range strings.Lines(pairs) {
		line = strings.TrimSuffix(line, "\n")
		text, translated := strings.CutPrefix(line, "\t")
		switch _, twice := k.texts[line]; {
		case line == "" && english == "":
		case translated && english != "" && text != "":
			k.texts[english], k.unsaid[english], english = text, true, ""
		case translated || english != "" || twice:
			t.Fatalf("testdata/korean.txt: %q is no pair of an English line and a Korean one, or there twice", line)
		default:
			english = line
		}
	}
	if english != "" {
		t.Fatalf("testdata/korean.txt ends without the Korean of %q", english)
	}
	return k
}

var someNumber = regexp.MustCompile(`\b[0-9]+\b`)

// say returns the Korean of a text.
func (k *korean) say(english string) string {
	if k == nil {
		return english
	}
	if text, known := k.texts[english]; known {
		delete(k.unsaid, english)
		return text
	}
	form := someNumber.ReplaceAllString(english, "#")
	text, known := k.texts[form]
	if !known {
		if !slices.Contains(k.missing, english) {
			k.missing = append(k.missing, english)
		}
		return english
	}
	delete(k.unsaid, form)
	for _, n := range someNumber.FindAllString(english, -1) {
		text = strings.Replace(text, "#", n, 1)
	}
	return text
}

// choiceForm is a word, or some of which one is chosen. Words are those of the
// configuration, which are not translated.
var choiceForm = regexp.MustCompile(`^[^ ,]+(?:(?:, [^ ,]+)* or [^ ,]+)?$`)

// want says what to write for a value.
func (k *korean) want(english string) string {
	if k != nil && choiceForm.MatchString(english) {
		return strings.Replace(english, " or ", " 또는 ", 1)
	}
	return k.say(english)
}

// problems returns what keeps the page from being Korean, and the pairs of
// which it has no use.
func (k *korean) problems() (list []string) {
	if k == nil {
		return nil
	}
	for _, english := range k.missing {
		list = append(list, fmt.Sprintf("there is no Korean of %q", english))
	}
	for _, english := range slices.Sorted(maps.Keys(k.unsaid)) {
		list = append(list, fmt.Sprintf("%q is in the reference no more", english))
	}
	return list
}

func TestKorean(t *testing.T) {
	k := readKorean(t, "Its port.\n\t서버의 포트.\n\na whole number from # to #\n\t#에서 #까지의 정수\nGone.\n\t없어짐.\n")
	var said []string
	for _, english := range []string{"Its port.", "Its ports.", "a whole number from 1 to 65535"} {
		said = append(said, k.say(english))
	}
	for _, english := range []string{"strict", "a, b or c", "a name"} {
		said = append(said, k.want(english))
	}
	if diff := cmp.Diff([]string{"서버의 포트.", "Its ports.", "1에서 65535까지의 정수", "strict", "a, b 또는 c", "a name"}, said); diff != "" {
		t.Error("said (-want +got):\n" + diff)
	}
	want := []string{`there is no Korean of "Its ports."`, `there is no Korean of "a name"`, `"Gone." is in the reference no more`}
	if diff := cmp.Diff(want, k.problems()); diff != "" {
		t.Error("problems (-want +got):\n" + diff)
	}
}
