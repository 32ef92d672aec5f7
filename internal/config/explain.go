package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// explain returns what is wrong with a file that the library does not take, in plain
// words, and where: the library says what it met, which is often behind the mistake. It
// quotes nothing of the file, which may hold a secret.
func explain(text string, at position, message string) (position, mistake) {
	lines := strings.Split(text, "\n")
	for _, s := range suspicions {
		if line, column := s.find(lines, at.line); line > 0 {
			at.line, at.column = line, column
			return at, s.mistake
		}
	}
	for _, k := range knownMessages {
		if strings.Contains(message, k.part) {
			if k.problem == "" {
				k.problem = message
			}
			return at, k.mistake
		}
	}
	return at, mistake{message, "look for what is not YAML there or in the line before, such as a quote or bracket that is not closed"}
}

// suspicion is what often makes a file no YAML.
type suspicion struct {
	// find returns the line and the column of it, 0 for none, where the library has
	// stopped in the line called at; both count from 1.
	find func(lines []string, at int) (line, column int)
	mistake
}

var suspicions = []suspicion{
	{near(0, leadingTab), mistake{"a tab indents the line", "write spaces: YAML takes no tab there"}},
	{near(0, bareVariable), mistake{"a variable inside of { } or [ ] has no quotes", `quote it, as in {enabled: "${AUTH}"}`}},
	{near(1, bareStar), starIsAlias},
	{firstOf(openQuote), mistake{"the quote that begins here is not closed in its line", "close it; inside of \"...\" write \\\" for a quote, inside of '...' write ''"}},
}

var starIsAlias = mistake{"a value that begins with * names an anchor", `quote it where the character is meant: "*"`}

// knownMessages are the library's, and what people should read. An empty problem stays
// as the library says it.
var knownMessages = []struct {
	part string
	mistake
}{
	{"is a reserved character", mistake{"", "put the value in quotes"}},
	{"invalid header option", mistake{"a value that begins with | or > is text of several lines", "put it in quotes where the character is meant"}},
	{"must be specified", mistake{"a comma is missing before this place, or the end of what is in { } or [ ]", "write it"}},
	{"not found", mistake{"what begins here with [ or { is not closed", "write its ] or }"}},
	{"not allowed in this context", mistake{"", `check the indentation (keys of one section begin in the same column), write a space behind ":" and "-", and quote a value that holds ": " or ends in ":"`}},
}

// near looks at the line in which the library has stopped, and at so many before it.
func near(before int, column func(string) int) func([]string, int) (int, int) {
	return func(lines []string, at int) (int, int) {
		for n := at; n >= max(1, at-before); n-- {
			if n <= len(lines) {
				if c := column(lines[n-1]); c > 0 {
					return n, runes(lines[n-1], c)
				}
			}
		}
		return 0, 0
	}
}

// firstOf looks at all lines up to the one in which the library has stopped.
func firstOf(column func(string) int) func([]string, int) (int, int) {
	return func(lines []string, at int) (int, int) {
		for n := range min(at, len(lines)) {
			if c := column(lines[n]); c > 0 {
				return n + 1, runes(lines[n], c)
			}
		}
		return 0, 0
	}
}

// runes returns a column, counted in bytes, as the library counts.
func runes(line string, column int) int { return 1 + utf8.RuneCountInString(line[:column-1]) }

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
