package binding

import (
	"cmp"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// explain returns what is wrong with a file that the library does not take, in plain
// words, and where: the library says what it met, which is often behind the mistake. It
// quotes nothing of the file, which may hold a secret.
func explain(text string, at Position, message string) (Position, *Mistake) {
	lines := strings.Split(text, "\n")
	for _, s := range suspicions {
		for n := max(0, at.Line-1-s.linesBack); n < min(at.Line, len(lines)); n++ {
			if c := s.column(lines[n]); c > 0 {
				return Position{at.File, n + 1, 1 + utf8.RuneCountInString(lines[n][:c-1])}, s.Mistake
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

// suspicions are what often makes a file no YAML. column returns the byte of a line, from 1,
// where it is; 0: it is not there. It is looked for in the line in which the library has
// stopped, and in linesBack lines before it.
var suspicions = []struct {
	linesBack int
	column    func(line string) int
	*Mistake
}{
	{0, leadingTab, Wrong("a tab indents the line", "write spaces: YAML takes no tab there")},
	{0, bareVariable, Wrong("a variable inside of { } or [ ] has no quotes",
		`quote it, as in {enabled: "${AUTH}"}`)},
	{1, bareStar, starIsAlias},
	{math.MaxInt, openQuote, Wrong("the quote that begins here is not closed in its line",
		`close it; inside of "..." write \" for a quote, inside of '...' write ''`)},
}

var starIsAlias = Wrong("a value that begins with * names an anchor",
	`quote it where the character is meant: "*"`)

// knownMessages are the library's, and what people should read. An empty problem stays
// as the library says it.
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

func leadingTab(line string) int {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return 1 + strings.IndexByte(indent, '\t')
}

// bareVariable finds a variable without quotes where a brace or bracket is open.
func bareVariable(line string) (column int) {
	open := 0
	eachBare(line, func(i int) bool {
		switch {
		case open > 0 && strings.HasPrefix(line[i:], placeholder):
			column = i + 1
			return false
		case line[i] == '{' || line[i] == '[':
			open++
		case line[i] == '}' || line[i] == ']':
			open--
		}
		return true
	})
	return column
}

// starForm is a value that is an asterisk, or that begins with one and is no name.
var starForm = regexp.MustCompile(`(?:^|[:\-\[,{] *)(\*)(?:[ \r\],}]|$)`)

func bareStar(line string) int {
	if found := starForm.FindStringSubmatchIndex(line); found != nil {
		return found[2] + 1
	}
	return 0
}

// openQuote finds a quote that begins a value and has no end.
func openQuote(line string) int {
	return 1 + eachBare(line, func(int) bool { return true })
}

// eachBare visits the bytes of a line that are neither in quotes nor in a comment, until
// visit says that it is enough. It returns where a quote begins that is not closed, or
// -1.
func eachBare(line string, visit func(i int) bool) (open int) {
	for i := 0; i < len(line); i++ {
		begins := i == 0 || strings.IndexByte(" \t[{,", line[i-1]) >= 0
		switch c := line[i]; {
		case c == '#' && begins:
			return -1
		case (c == '"' || c == '\'') && begins:
			end := quoteEnd(line, i)
			if end < 0 {
				return i
			}
			i = end
		default:
			if !visit(i) {
				return -1
			}
		}
	}
	return -1
}

// quoteEnd returns where the quote that begins at i is closed, or -1.
func quoteEnd(line string, i int) int {
	for q := line[i]; i+1 < len(line); {
		i++
		switch {
		case q == '"' && line[i] == '\\', q == '\'' && strings.HasPrefix(line[i:], "''"):
			i++
		case line[i] == q:
			return i
		}
	}
	return -1
}
