package jwt

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Tenant says whose a user is. The zero value: there are no tenants.
type Tenant struct {
	Claim Pointer
	Match *regexp.Regexp // of the whole value, see CompileMatch; nil: any
	Value string         // with $1 for what Match has found; "": the value itself
}

// reference is what a value has for a group of an expression, as [regexp.Regexp.Expand] reads it;
// a dollar sign alone is none.
var reference = regexp.MustCompile(`\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})?`)

// CheckValue refuses a value with groups that the expression has not: each would stand for
// nothing, and tell no tenants apart. Its error follows the name of what holds the value.
func CheckValue(match *regexp.Regexp, value string) error {
	for _, found := range reference.FindAllStringSubmatch(value, -1) {
		switch name := found[1] + found[2]; {
		case found[0] == "$$":
		case name == "":
			return errors.New("has a dollar sign that names no group: a dollar is $$")
		case !hasGroup(match, name):
			return fmt.Errorf("names a group that match has not, %s: a name goes on with "+
				"letters, digits and _, and braces end it, as in ${1}_x", found[0])
		}
	}
	return nil
}

// hasGroup reports whether an expression has a group, by its name or number.
func hasGroup(match *regexp.Regexp, name string) bool {
	n, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(n) != name {
		return match.SubexpIndex(name) >= 0
	}
	return n <= match.NumSubexp()
}

// CompileMatch compiles an expression that a whole value has to match.
func CompileMatch(expression string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expression); err != nil { // by itself, not with what is around it
		return nil, err
	}
	return regexp.Compile(`^(?:` + expression + `)$`)
}

// of returns the tenant that a value names.
func (t *Tenant) of(value string) (name string, is bool) {
	if t.Match == nil {
		return value, value != ""
	}
	at := t.Match.FindStringSubmatchIndex(value)
	if at == nil {
		return "", false
	}
	if t.Value == "" {
		return value, true
	}
	name = string(t.Match.ExpandString(nil, t.Value, value, at))
	return name, name != ""
}
