package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md and docs/configuration.ko.md")

// TestReference keeps docs/configuration.md and its Korean version the same as
// the schema.
func TestReference(t *testing.T) {
	for _, version := range []struct {
		file string
		in   *korean
	}{
		{"../../docs/configuration.md", nil},
		{"../../docs/configuration.ko.md", readKorean(t, read(t, "korean.txt"))},
	} {
		r := reference{in: version.in}
		r.page(read(t, "reference.txt"))
		for _, problem := range version.in.problems() {
			t.Errorf("testdata/korean.txt: %s", problem)
		}
		if *update {
			if err := os.WriteFile(version.file, r.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(version.file)
		if err != nil || !bytes.Equal(got, r.Bytes()) {
			t.Errorf("%s is not what the schema says (%v): run go test ./internal/config -run TestReference -update", version.file, err)
		}
	}
}

// reference is the page that has a line for every key, in a language.
type reference struct {
	bytes.Buffer
	in *korean // nil: English
}

// mark is what makes a line of the page a heading or an item of a list.
var mark = regexp.MustCompile(`^(?:#+ |- )?`)

// page writes what the lines of a text say, and tables where they name them.
func (r *reference) page(lines string) {
	for line := range strings.Lines(lines) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "{keys}":
			r.object("", defaults().schema())
		case line == "{aliases}":
			r.aliases()
		case line == "{later}":
			r.later()
		case line == "", strings.HasPrefix(line, "|---"):
			fmt.Fprintln(r, line)
		default:
			before := mark.FindString(line)
			said := r.in.say(strings.TrimPrefix(line, before))
			if strings.Contains(said, "%") {
				said = fmt.Sprintf(said, configBytesMax, mapKeysMax, nestingMax)
			}
			fmt.Fprintln(r, before+said)
		}
	}
}

func (r *reference) aliases() {
	var lines []string
	for from, to := range springAliases {
		if to != "" {
			lines = append(lines, fmt.Sprintf("| `%s` | `%s` |\n", from, to))
		}
	}
	slices.Sort(lines)
	r.WriteString(strings.Join(lines, ""))
	fmt.Fprintf(r, "| `spring.profiles.active` | %s |\n", r.in.say("the profile"))
	fmt.Fprintf(r, "| `server.port` | %s |\n", r.in.say("the port of `server.address`"))
}

func (r *reference) later() {
	for _, l := range notYet {
		values := r.in.say("any")
		if l.values != nil {
			values = r.in.want(either(l.values))
		}
		fmt.Fprintf(r, "| `%s` | %s | %s |\n", strings.ReplaceAll(l.path, "*", "NAME"), values, r.in.say(l.instead))
	}
}

func (r *reference) object(at path, o object) {
	for _, f := range o {
		if !slices.Contains(o.keys(), f.key) {
			continue
		}
		if f.doc == "" {
			fmt.Fprintf(r, "%s is not described\n", f.key) // so that the comparison fails after -update too
		}
		r.field(at.key(f.key), f)
	}
}

func (r *reference) field(key path, f field) {
	doc := r.in.say(f.doc)
	switch to := f.to.(type) {
	case object:
		r.section(key, doc, to)
	case optional[Redis]:
		r.section(key, doc, to.schema(to.fresh()).(object))
	case inherited:
		r.line(key, r.in.say("the keys of a model"), "", doc)
	case entries[Model]:
		r.line(key, r.in.say("a map by name"), "", doc)
		r.model(key.key("NAME"), to.fresh("NAME"))
	case entries[Service]:
		s := to.fresh("NAME")
		r.line(key, r.in.say("a map by name: of addresses, or of what follows"), "", doc)
		r.object(key.key("NAME"), to.schema(&s).(shortForm).long)
	case records[APIKey]:
		k := to.fresh()
		r.line(key, r.in.say("a list"), "", doc)
		r.object(key+"[]", to.schema(&k).(object))
	case scalar:
		r.line(key, r.in.want(to.want), to.print(), doc)
	case interface{ scalar() scalar }: // a maximum
		r.line(key, r.in.want(to.scalar().want), "", doc)
	case interface{ itemWant() string }:
		r.line(key, fmt.Sprintf(r.in.say("a list: %s"), r.in.want(to.itemWant())), "["+joinTexts(f.to.encode().items)+"]", doc)
	default:
		fmt.Fprintf(r, "%s is a %T, which has no line\n", key, to) // likewise
	}
}

func (l texts[T]) itemWant() string { return l.item(new(T)).want }

// model leaves out the settings that are described above.
func (r *reference) model(key path, m Model) {
	settings := m.Settings.schema()
	r.line(key, r.in.say("a map"), "", r.span("`%s` to `%s` as above, inherited from there, and:", settings))
	fields := m.schema().(object)[len(settings):]
	last := len(fields) - 1
	r.object(key, fields[:last])
	r.line(key.key(fields[last].key), r.in.say("a map"), "",
		r.in.say(fields[last].doc)+" "+r.span("`%s` to `%s` as above.", fields[last].to.(object)))
}

// span names the first and the last key of an object.
func (r *reference) span(format string, o object) string {
	return fmt.Sprintf(r.in.say(format), o[0].key, o[len(o)-1].key)
}

// section writes an object's keys; one without keys has nothing to say.
func (r *reference) section(key path, doc string, o object) {
	if len(o) > 0 {
		r.line(key, "", "", doc)
		r.object(key, o)
	}
}

func (r *reference) line(key path, want, preset, doc string) {
	if preset != "" {
		preset = "`" + preset + "`"
	}
	if slices.Contains(atStart, key) {
		doc += " " + r.in.say("*Next start.*")
	}
	fmt.Fprintf(r, "| `%s` | %s | %s | %s |\n", key, want, preset, doc)
}
