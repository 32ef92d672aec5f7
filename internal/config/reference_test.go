package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

const referenceFile = "../../docs/configuration.md"

const referenceHead = `# Configuration

<!-- Written by go test ./internal/config -run TestReference -update; the text is that of internal/config/schema*.go. -->

The gateway reads ` + "`application.yml`" + ` and lays ` + "`application-<profile>.yml`" + ` over it: maps merge,
lists and single values replace, ` + "`null`" + ` takes a value away. The profile is given by ` + "`--profile`" + `, by the
variable ` + "`PROFILE`" + ` or ` + "`SPRING_PROFILES_ACTIVE`" + `, or by ` + "`spring.profiles.active`" + ` in ` + "`application.yml`" + `.

- An unknown key is an error that names the nearest known one; so is a key that this version does not use.
- ` + "`${NAME}` and `${NAME:default}`" + ` take environment variables, in values only; ` + "`$${`" + ` stands for the
  characters ` + "`${`" + `. A variable that is not set and has no default is an error.
- Durations have units: ` + "`50ms`, `30s`, `5m`, `1h30m`" + `. Sizes are bytes.
- A maximum that is left out is unlimited, ` + "`0`" + ` blocks, a negative one is an error.
- A model without limits of its own has those of ` + "`token.rate-limit.defaults`" + `; one with limits of its own has none
  of them, but inherits the settings of ` + "`token.rate-limit`" + `.
- ` + "`mock:`" + ` must be quoted.
- The files are read again when one of them changes, and on SIGHUP. What they say then is applied as a whole, to the
  requests that come from then on; one mistake, and nothing is. What is marked *next start*, and all below it, stays as it
  is, with a warning in the log. Variables do not change while a process runs.
- Limits: %d bytes, %d keys and list items in a file, %d levels.

` + "`token-rate-limiter check`" + ` reports every mistake with file, line and column, and prints what results.

`

// TestReference keeps docs/configuration.md the same as the schema.
func TestReference(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, referenceHead, fileBytesMax, keysMax, nestingMax)
	writeReference(&b)
	if *update {
		if err := os.WriteFile(referenceFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("docs/configuration.md is not what the schema says (%v): run go test ./internal/config -run TestReference -update", err)
	}
}

func writeReference(b *bytes.Buffer) {
	r := reference{b}
	b.WriteString("## Keys\n\n| key | value | default | |\n|---|---|---|---|\n")
	r.object("", defaults().schema())
	b.WriteString("\n## Aliases\n\nFor the files of a Spring application. Any other `spring.*` key is an error.\n\n| key | means |\n|---|---|\n")
	var lines []string
	for from, to := range springAliases {
		if to != "" {
			lines = append(lines, fmt.Sprintf("| `%s` | `%s` |\n", from, to))
		}
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
	b.WriteString("| `spring.profiles.active` | the profile |\n| `server.port` | the port of `server.address` |\n")
	b.WriteString("\n## Not in this version\n\nThese are known and refused where they would change something.\n\n| key | values | instead |\n|---|---|---|\n")
	for _, l := range notYet {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", strings.ReplaceAll(l.path, "*", "NAME"), l.refusedValues(), l.instead)
	}
}

func (l later) refusedValues() string {
	switch {
	case l.values != nil:
		return either(l.values)
	}
	return "any"
}

// reference writes a line for every key below an object.
type reference struct{ *bytes.Buffer }

func (r reference) object(at path, o object) {
	for _, f := range o {
		if f.doc == "" {
			fmt.Fprintf(r, "%s is not described\n", f.key) // so that the comparison fails after -update too
		}
		r.field(at.key(f.key), f)
	}
}

func (r reference) field(key path, f field) {
	switch to := f.to.(type) {
	case object:
		r.section(key, f.doc, to)
	case optional[Redis]:
		r.section(key, f.doc, to.schema(to.fresh()).(object))
	case inherited:
		r.line(key, "the keys of a model", "", f.doc)
	case entries[Model]:
		r.line(key, "a map by name", "", f.doc)
		r.model(key.key("NAME"), to.fresh("NAME"))
	case entries[Service]:
		s := to.fresh("NAME")
		r.line(key, "a map by name: of addresses, or of what follows", "", f.doc)
		r.object(key.key("NAME"), to.schema(&s).(shortForm).long)
	case records[APIKey]:
		k := to.fresh()
		r.line(key, "a list", "", f.doc)
		r.object(key+"[]", to.schema(&k).(object))
	case scalar:
		r.line(key, to.want, to.print(), f.doc)
	case maximum:
		r.line(key, to.scalar().want, "", f.doc)
	default:
		r.line(key, "a list: "+itemWant(to), "["+joinTexts(to.encode().items)+"]", f.doc)
	}
}

// model leaves out the settings that are described above.
func (r reference) model(key path, m Model) {
	settings := m.Settings.schema()
	r.line(key, "a map", "", fmt.Sprintf("`%s` to `%s` as above, inherited from there, and:", settings[0].key, settings[len(settings)-1].key))
	fields := m.schema().(object)[len(settings):]
	last := len(fields) - 1
	r.object(key, fields[:last])
	total := fields[last].to.(object)
	r.line(key.key(fields[last].key), "a map", "", fields[last].doc+fmt.Sprintf(" `%s` to `%s` as above.", total[0].key, total[len(total)-1].key))
}

// section writes an object's keys; one without keys has nothing to say.
func (r reference) section(key path, doc string, o object) {
	if len(o) > 0 {
		r.line(key, "", "", doc)
		r.object(key, o)
	}
}

func itemWant(t target) string {
	switch t := t.(type) {
	case texts[string]:
		return t.item(new(string)).want
	case texts[Role]:
		return t.item(new(Role)).want
	case texts[Endpoint]:
		return t.item(new(Endpoint)).want
	}
	return ""
}

func (r reference) line(key path, want, preset, doc string) {
	if preset != "" {
		preset = "`" + preset + "`"
	}
	if slices.Contains(atStart, key) {
		doc += " *Next start.*"
	}
	fmt.Fprintf(r, "| `%s` | %s | %s | %s |\n", key, want, preset, doc)
}
