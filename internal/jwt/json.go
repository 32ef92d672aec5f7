package jwt

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object. Its values are those of JSON: object, []any, string, number, bool, nil.
type object map[string]any

// number is a number as it is written: identities are compared, and a float64 has 53 bits.
type number string

var errVariant = errors.New("two members differ in case only")

// depthMax is how deeply what tokens and key sets say may nest.
const depthMax = 16

var errDeep = errors.New("the JSON nests too deeply")

// parseObject reads a JSON object, and nothing behind it. It refuses two members of one name at
// any depth and invalid UTF-8, and at the top two members that differ in case only: whoever reads
// without a difference of case would see the other one.
func parseObject(text []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if d.PeekKind() != '{' {
		return nil, errors.New("it is no JSON object")
	}
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("there is something behind the JSON object")
	}
	o, _ := v.(object)
	folded := make(map[string]bool, len(o))
	for name := range o {
		one := strings.ToLower(strings.ToUpper(name)) // some letters have two small forms
		if folded[one] {
			return nil, errVariant
		}
		folded[one] = true
	}
	return o, nil
}

// parseValue reads the next value.
func parseValue(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > depthMax {
		return nil, errDeep
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{':
		return parseMembers(d)
	case '[':
		return parseItems(d)
	case '"':
		return t.String(), nil
	case '0':
		return number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func parseMembers(d *jsontext.Decoder) (any, error) {
	o := object{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken() // it refuses a name that there was
		if err != nil {
			return nil, err
		}
		key := name.String()
		if o[key], err = parseValue(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return o, err
}

func parseItems(d *jsontext.Decoder) (any, error) {
	list := []any{}
	for d.PeekKind() != ']' {
		v, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.ReadToken()
	return list, err
}
