package binding

import (
	"fmt"
	"strings"
	"testing"
)

// indentation is what may be wrong where YAML is not what was meant.
const indentation = `; check the indentation (keys of one section begin in the same column), write a space behind ":" and "-", and quote a value that holds ": " or ends in ":"`

// TestParserMessages: what people write most often that is no YAML.
func TestParserMessages(t *testing.T) {
	const (
		tab      = "a tab indents the line; write spaces: YAML takes no tab there"
		star     = `a value that begins with * names an anchor; quote it where the character is meant: "*"`
		variable = `a variable inside of { } or [ ] has no quotes; quote it, as in {enabled: "${AUTH}"}`
		quote    = `the quote that begins here is not closed in its line; close it; inside of "..." write \" for a quote, inside of '...' write ''`
		comma    = "a comma is missing before this place, or the end of what is in { } or [ ]; write it"
		lines    = "a value that begins with | or > is text of several lines; put it in quotes where the character is meant"
	)
	for text, want := range map[string]string{
		"server:\n\taddress: ':1'":                                        ":2:1: " + tab,
		"token:\n  rate-limit:\n  \tmodels: {}":                           ":3:3: " + tab,
		"server:\n  cors:\n    origins: *":                                ":3:14: " + star,
		"server:\n  cors:\n    origins: [*]":                              ":3:15: " + star,
		"server: {cors: {origins: [a, *]}}":                               ":1:30: " + star,
		"server:\n  cors:\n    origins:\n      - *\nlogging: {}":          ":4:9: " + star,
		"auth: {enabled: ${AUTH}}":                                        ":1:17: " + variable,
		"auth: {enabled: ${AUTH:true}}":                                   ":1:17: " + variable,
		"redis: {host: ${H:x}, port: 1}":                                  ":1:15: " + variable,
		"logging: {level: '한국', format: ${F}}":                            ":1:32: " + variable,
		"server: {cors: {origins: [${O}]}}":                               ":1:27: " + variable,
		"server:\n  address: \":1\nlogging: {level: \"info\"}\na: {b: c}": ":2:12: " + quote,
		"server:\n  address: ':1\nlogging: {level: info}":                 ":2:12: " + quote,
		"logging: {level: 'info}":                                         ":1:18: " + quote,
		"logging: # it's\n  level: \"":                                    ":2:10: " + quote,
		"a: it's\nb: \"x":                                                 ":2:4: " + quote,
		"a: 'it''s":                                                       ":1:4: " + quote,
		`a: ["b, 'c'", d"e, "f]`:                                          ":1:20: " + quote,
		"a: # \"\nb: 'x":                                                  ":2:4: " + quote,
		`a: {b: "${X}", c: ${Y}}`:                                         ":1:19: " + variable,
		"auth: {enabled: true\nserver: {}":                                ":2:1: " + comma,
		"server: {cors: {origins: [a, b}}":                                ":1:31: " + comma,
		"redis:\n  password: @hunter2":                                    ":2:13: '@' is a reserved character; put the value in quotes",
		"redis:\n  password: `hunter2":                                    ":2:13: '`' is a reserved character; put the value in quotes",
		"redis:\n  password: |hunter2":                                    ":2:13: " + lines,
		"redis:\n  password: >hunter2":                                    ":2:13: " + lines,
		"auth:\n  api-keys:\n    -name: a\n     user: b":                  ":3:12: mapping value is not allowed in this context" + indentation,
		"server:\n  address: ':1'\n   idle-timeout: 1s":                   ":3:4: value is not allowed in this context. map key-value is pre-defined" + indentation,
	} {
		t.Run(text, func(t *testing.T) {
			err := mistakesOf(text)
			wantErrors(t, err, "shop.yml"+want)
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the message shows a secret")
			}
		})
	}
}

func TestSyntaxMistakes(t *testing.T) {
	for name, x := range map[string]struct {
		text string
		want []string
	}{
		"indentation": {"server:\n  port: 1\n address: a", []string{":3:2: value is not allowed in this context" + indentation}},
		"colon in a value": {"vllm: {}\na: mock:", []string{
			":2:4: mapping value is not allowed in this context" + indentation}},
		"no excerpt of the file":     {"password: hunter2\nx: [1", []string{":2:4: what begins here with [ or { is not closed; write its ] or }"}},
		"a second document":          {"server: {}\n---\nserver: {}", []string{":3:7: a second document begins here; keep one document in a file"}},
		"a list":                     {"- a", []string{":1:1: the file is a list where settings are expected; write keys such as shelves:"}},
		"text":                       {"hello", []string{":1:1: the file is a single value where settings are expected; write keys such as shelves:"}},
		"not UTF-8":                  {"server: \xff", []string{": the file is not UTF-8; save it as UTF-8"}},
		"too large":                  {strings.Repeat("#", BytesMax+1), []string{": the file has 16777217 bytes; at most 16777216 are read"}},
		"duplicate keys":             {"server: {}\nredis: {}\nserver: {port: 1, port: 2}", []string{`:3:1: the key "server" is already given in line 1; keep one of the two`}},
		"duplicate keys, nested":     {"server: {port: 1, port: 2}\nredis:\n  host: a\n  host: b", []string{`:1:19: the key "port" is already given in line 1; keep one of the two`, `:4:3: the key "host" is already given in line 3; keep one of the two`}},
		"tag":                        {"server: {port: !!int 1}", []string{`:1:16: tags are not used here; remove "!!int", or put a text that begins with ! in quotes`}},
		"text that looks like a tag": {"redis:\n  password: !hunter2\nserver: {port: x}", []string{`:2:13: tags are not used here; remove "!hunter2", or put a text that begins with ! in quotes`}},
		"key that is no text":        {"? a\n: 1\n&x server: {}", []string{`:1:1: a key must be plain text; write it without indicator, anchor or tag, in quotes if need be`, `:3:1: a key must be plain text; write it without indicator, anchor or tag, in quotes if need be`}},
		"alias of nothing":           {"server: *s", []string{":1:9: the alias *s has no anchor before it; write &s at the value that is meant, or quotes around a text that begins with *"}},
		"alias of itself":            {"server: &s {port: *s}", []string{":1:19: the alias *s has no anchor before it; write &s at the value that is meant, or quotes around a text that begins with *"}},
		"merge of text":              {"server:\n  <<: a", []string{":2:3: << does not name a map; write an alias of a map, or a list of them"}},
		"nested brackets":            {"a: " + strings.Repeat("[", 100_000), []string{": the file nests deeper than 64 levels; use fewer levels"}},
		"nested lists on a line":     {strings.Repeat("- ", 100_000) + "a", []string{": the file nests deeper than 64 levels; use fewer levels"}},
		"nested keys on a line":      {strings.Repeat("? ", 100_000) + "a", []string{": the file nests deeper than 64 levels; use fewer levels"}},
		"nested anchors":             {"a: " + strings.Repeat("&a ", 100_000) + "1", []string{": the file nests deeper than 64 levels; use fewer levels"}},
		"nested by indentation":      {indented(200), []string{":66:67: the file nests deeper than 64 levels; use fewer levels"}},
		"aliases that multiply":      {laughs(12), []string{":6:45: the file has more than 1000000 values, its aliases expanded; use fewer aliases"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := mistakesOf(x.text)
			var want []string
			for _, w := range x.want {
				want = append(want, "shop.yml"+w)
			}
			wantErrors(t, err, want...)
		})
	}
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// laughs is a file whose size is that of its lines and whose content grows
// tenfold with each.
func laughs(lines int) string {
	b := strings.Builder{}
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < lines; i++ {
		alias := fmt.Sprintf("*a%d", i-1)
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Repeat(alias+", ", 9)+alias)
	}
	return b.String()
}

// TestBounds: what takes the library long is refused before it begins.
func TestBounds(t *testing.T) {
	anchors := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s k%d: v\n", "&"+strings.Repeat("x", i%20+1), i)
		}
		return b.String()
	}
	err := mistakesOf(anchors(MapKeysMax + 1))
	wantErrors(t, err, "shop.yml: a map of the file has more than 10000 keys; open another shop")
	many := strings.Repeat("a:\n"+strings.Repeat("  b: c\n", 9000)+"d:\n", 6)
	err = mistakesOf(many)
	wantErrors(t, err, "shop.yml: the maps of the file have too many keys together; open another shop")
}
