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

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
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
		case line == "{planned}":
			r.planned()
		case line == "", strings.HasPrefix(line, "|---"):
			fmt.Fprintln(r, line)
		default:
			before := mark.FindString(line)
			said := r.in.say(strings.TrimPrefix(line, before))
			if strings.Contains(said, "%") {
				said = fmt.Sprintf(said, binding.BytesMax, binding.MapKeysMax, binding.NestingMax)
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

func (r *reference) planned() {
	for _, l := range plannedSettings {
		values := r.in.say("any")
		if l.values != nil {
			values = r.in.want(binding.Either(l.values))
		}
		fmt.Fprintf(r, "| `%s` | %s | %s |\n", strings.ReplaceAll(l.path, "*", "NAME"), values, r.in.say(l.instead))
	}
}

func (r *reference) object(at binding.Path, o binding.Object) {
	for _, f := range o {
		if !slices.Contains(o.Keys(), f.Key) {
			continue
		}
		if f.Doc == "" {
			fmt.Fprintf(r, "%s is not described\n", f.Key) // so that the comparison fails after -update too
		}
		r.field(at.Key(f.Key), f)
	}
}

func (r *reference) field(key binding.Path, f binding.Field) {
	doc := r.in.say(f.Doc)
	switch to := f.To.(type) {
	case binding.Object:
		r.section(key, doc, to)
	case binding.Optional[Redis]:
		r.section(key, doc, to.Schema(to.Fresh()).(binding.Object))
	case inherited:
		r.line(key, r.in.say("the keys of a model"), "", doc)
	case binding.Entries[string]:
		r.line(key, r.in.say("a map by JSON pointer"), "", doc)
	case binding.Entries[Model]:
		r.line(key, r.in.say("a map by name"), "", doc)
		r.model(key.Key("NAME"), to.Fresh("NAME"))
	case binding.Entries[Service]:
		s := to.Fresh("NAME")
		r.line(key, r.in.say("a map by name: of addresses, or of what follows"), "", doc)
		r.object(key.Key("NAME"), to.Schema(&s).(shortForm).Object)
	case binding.Scalar:
		r.line(key, r.in.want(to.Want), printed(to), doc)
	default:
		r.list(key, f.To, doc)
	}
}

// printed returns a value as it is printed; "" where there is none.
func printed(to binding.Target) string {
	if to.Encode() == nil {
		return ""
	}
	_, line, _ := strings.Cut(binding.Print(binding.Object{{"a", "", to}}.Encode()), ": ")
	return strings.TrimSpace(line)
}

// list writes the line of a list, and those of the keys of its items.
func (r *reference) list(key binding.Path, to binding.Target, doc string) {
	switch item := itemOf(to).(type) {
	case binding.Scalar:
		r.line(key, fmt.Sprintf(r.in.say("a list: %s"), r.in.want(item.Want)), printed(to), doc)
	case binding.Object:
		r.line(key, r.in.say("a list"), "", doc)
		r.object(key+"[]", item)
	default:
		fmt.Fprintf(r, "%s is a %T, which has no line\n", key, to) // so that the comparison fails after -update too
	}
}

// model leaves out the settings that are described above.
func (r *reference) model(key binding.Path, m Model) {
	settings := m.Settings.schema()
	r.line(key, r.in.say("a map"), "", r.span("`%s` to `%s` as above, inherited from there, and:", settings))
	fields := m.schema().(binding.Object)[len(settings):]
	last := len(fields) - 1
	r.object(key, fields[:last])
	r.line(key.Key(fields[last].Key), r.in.say("a map"), "",
		r.in.say(fields[last].Doc)+" "+r.span("`%s` to `%s` as above.", fields[last].To.(binding.Object)))
}

// span names the first and the last key of an object.
func (r *reference) span(format string, o binding.Object) string {
	return fmt.Sprintf(r.in.say(format), o[0].Key, o[len(o)-1].Key)
}

// section writes an object's keys; one without keys has nothing to say.
func (r *reference) section(key binding.Path, doc string, o binding.Object) {
	if len(o) > 0 {
		r.line(key, "", "", doc)
		r.object(key, o)
	}
}

func (r *reference) line(key binding.Path, want, preset, doc string) {
	if preset != "" {
		preset = "`" + preset + "`"
	}
	if slices.Contains(atStart, key) {
		doc += " " + r.in.say("*Next start.*")
	}
	fmt.Fprintf(r, "| `%s` | %s | %s | %s |\n", key, want, preset, doc)
}
