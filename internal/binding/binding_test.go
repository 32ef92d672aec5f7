package binding

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// variables is an environment.
type variables map[string]string

func (v variables) look(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

var advice = Advice{
	Keys:       "write keys such as shelves:",
	Documents:  "keep one document in a file",
	ManyKeys:   "open another shop",
	Unreadable: "let the shop read it",
}

// mistakesOf returns what is wrong with a text as YAML.
func mistakesOf(text string) error {
	r := &Report{Advice: advice}
	Parse("shop.yml", []byte(text), r)
	return r.Err()
}

// wantErrors compares the lines of an error.
func wantErrors(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	var list Errors
	if errors.As(err, &list) {
		for _, e := range list {
			got = append(got, e.Error())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}
