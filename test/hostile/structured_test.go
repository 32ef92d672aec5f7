package hostile_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// item matches a member of a list whose item is a string and whose parameters
// are integers, with nothing else that RFC 9651 would allow.
var item = regexp.MustCompile(`^"([ !#-\[\]-~]*)"((?:; *[a-z*][a-z0-9_.*-]*=-?[0-9]{1,15})*)$`)

// readItems reads such a list, strictly: names with their parameters.
func readItems(field string) (map[string]map[string]int64, error) {
	list := map[string]map[string]int64{}
	for member := range strings.SplitSeq(field, ",") {
		m := item.FindStringSubmatch(strings.Trim(member, " \t"))
		if m == nil {
			return nil, fmt.Errorf("%q is no item of a structured field: %q", member, field)
		}
		parameters := map[string]int64{}
		for p := range strings.SplitSeq(strings.TrimPrefix(m[2], ";"), ";") {
			if p == "" {
				continue // there are none
			}
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %v", field, err)
			}
			parameters[name] = n
		}
		if list[m[1]] != nil {
			return nil, fmt.Errorf("%q has %s twice", field, m[1])
		}
		list[m[1]] = parameters
	}
	return list, nil
}

// parseItems is readItems for what has to be such a list.
func parseItems(t *testing.T, field string) map[string]map[string]int64 {
	t.Helper()
	list, err := readItems(field)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestStructuredFields holds the judge of these tests to the public suite.
func TestStructuredFields(t *testing.T) {
	b, err := os.ReadFile("testdata/structured.json")
	if err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Cases []struct {
			Name, Raw string
			OK        bool
		}
	}
	if err := json.Unmarshal(b, &suite); err != nil || len(suite.Cases) == 0 {
		t.Fatal(len(suite.Cases), err)
	}
	for _, c := range suite.Cases {
		if _, err := readItems(c.Raw); (err == nil) != c.OK {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// TestHugeLimits: whatever the limits are, their fields can be read; what they have no
// digits for is told as the most that they can say, and exactly in OpenAI's fields.
func TestHugeLimits(t *testing.T) {
	const most, largest = 999_999_999_999_999, 1 << 51
	for maximum, told := range map[int64]int64{most - 1: most - 1, most: most, most + 1: most, largest: most} {
		g, _ := start(t, apptest.Options{Limits: fmt.Sprintf("{max-tokens-per-day: %d, max-requests-per-minute: %[1]d}", maximum)})
		a := post(t, g, chatPath, chat)
		policy, state := parseItems(t, a.header.Get("Ratelimit-Policy")), parseItems(t, a.header.Get("Ratelimit"))
		for _, name := range []string{"user-tokens-day", "user-requests-minute"} {
			if policy[name]["q"] != told || state[name]["r"] > told || state[name]["r"] < told-1000 {
				t.Errorf("%s of %d: %v, %v", name, maximum, policy[name], state[name])
			}
		}
		if got := a.header.Get("X-Ratelimit-Remaining-Requests"); got != strconv.FormatInt(maximum-1, 10) {
			t.Errorf("of %d requests, %s remain", maximum, got)
		}
	}
}

// durationShape reports whether s is a time as OpenAI writes it, such as 1m30s
// or 250ms, and not negative.
func durationShape(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0 && s != ""
}
