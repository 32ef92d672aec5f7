package request

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// integerMax is the largest number taken for a count of tokens: no context is longer, and its
// product with the numbers of prompts and sequences of a body of 16 MiB does not overflow.
const integerMax = math.MaxInt32

// integer reads the value of the named member, which must be an integer from least to integerMax.
// It reports false for null, and after an error.
func (p *parse) integer(name string, least int64) (int64, bool) {
	raw := p.Raw()
	if raw[0] == 'n' {
		return 0, false
	}
	v, ok := parseInteger(raw)
	if !ok || v < least || v > integerMax {
		wants := fmt.Sprintf("an integer from %d to %d", least, integerMax)
		p.reject(wrongValue(name, wants, raw))
		return 0, false
	}
	return v, true
}

// parseInteger returns the integer that a JSON value is, if it is one that fits. Fractions of zero
// and exponents do not make a number less of an integer, as long as a float64 holds it exactly.
func parseInteger(raw []byte) (int64, bool) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false // a string, a list, ...
	}
	if v, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return v, true
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// boolean reads the value of the named member; null is false.
func (p *parse) boolean(name string) boolMember {
	p.Peek()
	start := p.At
	raw := p.Raw()
	at := jsonscan.Extent{Start: start, End: p.At}
	switch raw[0] {
	case 't':
		return boolMember{at, true}
	case 'f', 'n':
	default:
		p.reject(wrongValue(name, "true or false", raw))
	}
	return boolMember{at, false}
}

// wrongValue is the error for a value of the wrong type or size. It shows numbers and the like; a
// string might be a prompt, or a key, in the wrong place.
func wrongValue(name, wants string, raw []byte) *failure.Error {
	return failure.InvalidRequest(name, "%s must be %s, is %s", name, wants, shown(raw))
}

// shown describes a JSON value in a few words.
func shown(raw []byte) string {
	switch {
	case raw[0] == '{' || raw[0] == '[' || raw[0] == '"':
		return shape(raw)
	case len(raw) > failure.QuotedMax:
		return fmt.Sprintf("a number of %d digits", len(raw))
	}
	return string(raw)
}

// shapes names the types of JSON values, but numbers, by their first bytes.
var shapes = map[byte]string{
	'{': "an object", '[': "a list", '"': "a string",
	't': "a truth value", 'f': "a truth value", 'n': "null",
}

// shape names the type of a JSON value.
func shape(raw []byte) string {
	return cmp.Or(shapes[raw[0]], "a number")
}
