package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// TestJSONSchema keeps api/application.schema.json, by which editors complete and Helm
// refuses, the same as the schema.
func TestJSONSchema(t *testing.T) {
	const file = "../../api/application.schema.json"
	want := written(t, applicationSchema())
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the schema says (%v): run go test ./internal/config -run TestJSONSchema -update", file, err)
	}
}

func written(t *testing.T, s jsonSchema) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// jsonSchema is a schema of draft 7, which all versions of Helm know.
type jsonSchema map[string]any

// applicationSchema describes application.yml. It is looser than the gateway where values
// depend on each other, and as strict about keys.
func applicationSchema() jsonSchema {
	s := schemaOf(defaults().schema())
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "application.yml of the token rate limiter"
	properties := s["properties"].(jsonSchema)
	properties["server"].(jsonSchema)["properties"].(jsonSchema)["port"] = jsonSchema{
		"description": "The port of `server.address`.", "type": []string{"integer", "string"}}
	// What Spring's keys mean is looked up where they are read.
	properties["spring"] = jsonSchema{"description": "Settings of a Spring application's file.", "type": []string{"object", "null"}}
	return s
}

// schemaOf describes what a target takes.
func schemaOf(to binding.Target) jsonSchema {
	switch to := to.(type) {
	case binding.Object:
		return objectSchema(to)
	case binding.Optional[Redis]:
		return schemaOf(to.Schema(to.Fresh()))
	case inherited:
		return schemaOf(to.Target)
	case binding.Entries[string]:
		return mapSchema(schemaOf(to.Schema(new(string))))
	case binding.Entries[Model]:
		m := to.Fresh("NAME")
		return mapSchema(schemaOf(to.Schema(&m)))
	case binding.Entries[Service]:
		s := to.Fresh("NAME")
		long := to.Schema(&s).(shortForm).Object
		return mapSchema(jsonSchema{"anyOf": []jsonSchema{{"type": "string"}, objectSchema(long)}})
	case binding.Scalar:
		return scalarSchema(to.Want)
	}
	if item := itemOf(to); item != nil {
		return listSchema(schemaOf(item))
	}
	panic(fmt.Sprintf("a %T has no schema", to))
}

// itemOf returns what binds an item of a list; nil of what is none.
func itemOf(to binding.Target) binding.Target {
	switch l := to.(type) {
	case binding.List[string]:
		return l.Item(new(string))
	case binding.List[ServerURL]:
		return l.Item(new(ServerURL))
	case binding.List[netip.Prefix]:
		return l.Item(new(netip.Prefix))
	case binding.List[Issuer]:
		i := l.Fresh()
		return l.Item(&i)
	case binding.List[RoleClaim]:
		return l.Item(new(RoleClaim))
	case binding.List[TokenType]:
		return l.Item(new(TokenType))
	case binding.List[jwt.Algorithm]:
		return l.Item(new(jwt.Algorithm))
	case binding.List[identity.Role]:
		return l.Item(new(identity.Role))
	case binding.List[APIKey]:
		k := l.Fresh()
		return l.Item(&k)
	}
	return nil
}

func objectSchema(o binding.Object) jsonSchema {
	properties := jsonSchema{}
	for _, f := range o {
		if !slices.Contains(o.Keys(), f.Key) {
			continue
		}
		s := schemaOf(f.To)
		s["description"] = f.Doc
		properties[f.Key] = s
	}
	return jsonSchema{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
}

func mapSchema(value jsonSchema) jsonSchema {
	return jsonSchema{"type": []string{"object", "null"}, "additionalProperties": value}
}

func listSchema(item jsonSchema) jsonSchema {
	return jsonSchema{"type": []string{"array", "null"}, "items": item}
}

var (
	// variable is what stands for a value of any kind.
	variable = jsonSchema{"type": "string", "pattern": `\$\{`}
	bounds   = regexp.MustCompile(`^a (whole )?number from (\S+)(?: to (\S+)|( up))$`)
	words    = regexp.MustCompile(`^[a-z-]+(, [a-z-]+)*( or [a-z-]+)?$`)
)

// scalarSchema describes a value by the words that messages have for it.
func scalarSchema(want string) jsonSchema {
	or := func(s jsonSchema) jsonSchema { return jsonSchema{"anyOf": []jsonSchema{s, variable, {"type": "null"}}} }
	switch b := bounds.FindStringSubmatch(want); {
	case b != nil:
		s := jsonSchema{"type": "number", "minimum": plainNumber(b[2])}
		if b[1] != "" {
			s["type"] = "integer"
		}
		if b[3] != "" {
			s["maximum"] = plainNumber(b[3])
		}
		return or(s)
	case want == "true or false":
		return or(jsonSchema{"type": "boolean"})
	case want == "some text" || want == "a name":
		return jsonSchema{"type": []string{"string", "number", "boolean", "null"}}
	case strings.HasPrefix(want, "a duration"):
		return or(jsonSchema{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))+$`})
	case words.MatchString(want) && !strings.HasPrefix(want, "a "):
		return or(jsonSchema{"enum": strings.Split(strings.ReplaceAll(want, " or ", ", "), ", ")})
	}
	return jsonSchema{"type": []string{"string", "null"}}
}

func plainNumber(s string) json.Number {
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		panic(err)
	}
	return json.Number(s)
}
