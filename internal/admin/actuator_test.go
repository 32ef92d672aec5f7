package admin

import "testing"

func TestPrefersYAML(t *testing.T) {
	for _, tt := range []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"*/*"}, false},
		{[]string{"application/yaml"}, true},
		{[]string{"text/yaml"}, true},
		{[]string{"Application/X-YAML"}, true},
		{[]string{"application/yaml, */*"}, false},
		{[]string{"application/yaml, */*;q=0.8"}, true},
		{[]string{"application/yaml", "application/json;q=0.5"}, true},
		{[]string{"application/yaml;q=0.5, application/json"}, false},
		{[]string{"application/yaml;q=0"}, false},
		{[]string{"application/vnd.spring-boot.actuator.v3+json, application/json"}, false},
		{[]string{"text/html, application/xhtml+xml, */*;q=0.8"}, false},
		{[]string{"application/yaml;;, ,"}, false},
	} {
		if got := prefersYAML(tt.accept); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.accept, got, tt.want)
		}
	}
}
