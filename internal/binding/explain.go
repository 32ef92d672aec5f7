package binding

import (
	"cmp"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// explain returns what is wrong with a file that the library does not take, in plain words, and
// where: the library often stops behind the mistake. It quotes nothing, for there may be secrets.
func explain(text string, at Position, message string) (Position, *Mistake) {
	lines := strings.Split(text, "\n")
	for _, s := range suspicions {
		for n := max(0, at.Line-1-s.linesBack); n < min(at.Line, len(lines)); n++ {
			if found := s.form.FindStringSubmatchIndex(lines[n]); found != nil {
				at.Line, at.Column = n+1, 1+utf8.RuneCountInString(lines[n][:found[2]])
				return at, s.Mistake
			}
		}
	}
	for _, k := range knownMessages {
		if strings.Contains(message, k.part) {
			return at, Wrong(cmp.Or(k.problem, message), k.remedy)
		}
	}
	return at, Wrong(message, "look for what is not YAML there or in the line before, "+
		"such as a quote or bracket that is not closed")
}

// suspicions are what often makes a file no YAML. The first group of form is where. It is
// looked for in the line in which the library has stopped, and in linesBack lines before it.
var suspicions = []struct {
	linesBack int
	form      *regexp.Regexp
	*Mistake
}{
	{0, regexp.MustCompile(`^ *(\t)`),
		Wrong("a tab indents the line", "write spaces: YAML takes no tab there")},
	{0, regexp.MustCompile(`(?:^|[^$])[{\[]` + quoted + `?(?:` + outsideQuotes + `)*?(\$\{)`),
		Wrong("a variable inside of { } or [ ] has no quotes",
			`quote it, as in {enabled: "${AUTH}"}`)},
	{1, regexp.MustCompile(`(?:^|[:\-\[,{] *)(\*)(?:[ \r\],}]|$)`), starIsAlias},
	{math.MaxInt, regexp.MustCompile(`^(?:(?:` + outsideQuotes + `)*?[ \t\[{,])?` +
		`("(?:\\.|[^"\\])*|'(?:[^']|'')*)$`),
		Wrong("the quote that begins here is not closed in its line",
			`close it; inside of "..." write \" for a quote, inside of '...' write ''`)},
}

// outsideQuotes matches a part of a line that begins no comment and no open quote: what may
// stand before a quote, with a text in quotes; or any other character, with the quotes and #
// behind it, which are plain text there.
const (
	outsideQuotes = `(?:^|[ \t\[{,])` + quoted + `?|[^ \t\[{,"'#]["'#]*`
	quoted        = `(?:"(?:\\.|[^"\\])*"|'(?:[^']|'')*')`
)

var starIsAlias = Wrong("a value that begins with * names an anchor",
	`quote it where the character is meant: "*"`)

// knownMessages are the library's, and what people should read; an empty problem is the library's.
var knownMessages = []struct{ part, problem, remedy string }{
	{"is a reserved character", "", "put the value in quotes"},
	{"invalid header option", "a value that begins with | or > is text of several lines",
		"put it in quotes where the character is meant"},
	{"must be specified",
		"a comma is missing before this place, or the end of what is in { } or [ ]", "write it"},
	{"not found", "what begins here with [ or { is not closed", "write its ] or }"},
	{"not allowed in this context", "", "check the indentation (keys of one section begin in " +
		`the same column), write a space behind ":" and "-", ` +
		`and quote a value that holds ": " or ends in ":"`},
}
