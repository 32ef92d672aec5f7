package hostile_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// item matches a member of a list whose item is a string and whose parameters
// are integers, with nothing else that RFC 9651 would allow.
var item = regexp.MustCompile(`^"([ !#-\[\]-~]*)"((?:; *[a-z*][a-z0-9_.*-]*=-?[0-9]{1,15})*)$`)

// parseItems reads such a list, strictly: names with their parameters.
func parseItems(t *testing.T, field string) map[string]map[string]int64 {
	t.Helper()
	list := map[string]map[string]int64{}
	for member := range strings.SplitSeq(field, ",") {
		m := item.FindStringSubmatch(strings.Trim(member, " \t"))
		if m == nil {
			t.Fatalf("%q is no item of a structured field: %q", member, field)
		}
		parameters := map[string]int64{}
		for p := range strings.SplitSeq(strings.TrimPrefix(m[2], ";"), ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				t.Fatalf("%q: %v", field, err)
			}
			parameters[name] = n
		}
		if list[m[1]] != nil {
			t.Fatalf("%q has %s twice", field, m[1])
		}
		list[m[1]] = parameters
	}
	return list
}

// durationShape reports whether s is a time as OpenAI writes it, such as 1m30s
// or 250ms, and not negative.
func durationShape(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0 && s != ""
}
