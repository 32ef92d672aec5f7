package event

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

func TestUsageMember(t *testing.T) {
	tests := map[string]string{
		`{"usage":1}`:                        `{}`,
		`{ "usage" : 1 }`:                    `{  }`,
		`{"usage":{"a":[1]},"b":2}`:          `{"b":2}`,
		`{"usage": 1, "b": 2}`:               `{"b": 2}`,
		`{"a":1,"usage":null}`:               `{"a":1}`,
		`{"a": 1, "usage": {"x": 1}, "b":2}`: `{"a": 1, "b":2}`,
		"{\"a\":1\n,\t\"usage\" : 1 }":       "{\"a\":1\n }",
		`{"a":"\",","\u0075sage":1,"b":2}`:   `{"a":"\",","b":2}`,
	}
	for in, want := range tests {
		var env Envelope
		if !env.Parse([]byte(in)) {
			t.Fatalf("%s is refused", in)
		}
		cut := env.UsageMember()
		if got := in[:cut.Start] + in[cut.End:]; got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Whatever the object, it is valid without its usage, and has no other change.
func FuzzUsageMember(f *testing.F) {
	f.Add([]byte(`{ "a" : 1 , "usage" : {"b":[]} , "c":"}" }`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var env Envelope
		if !env.Parse(data) || !env.Values[MemberUsage].IsSet() {
			return
		}
		before, _ := membersIn(data)
		cut := env.UsageMember()
		after, ok := membersIn(append(data[:cut.Start:cut.Start], data[cut.End:]...))
		if !ok {
			t.Fatalf("%q is not valid without %v", data, cut)
		}
		var want [][2]string
		for _, m := range before {
			if m[0] != "usage" {
				want = append(want, m)
			}
		}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", data, diff)
		}
	})
}

func TestEnvelopeRefusesDuplicates(t *testing.T) {
	for _, data := range []string{`{"usage":1,"usage":2}`, `{"model":"a","\u006dodel":"b"}`} {
		if new(Envelope).Parse([]byte(data)) {
			t.Errorf("%s is accepted", data)
		}
	}
	if !new(Envelope).Parse([]byte(`{"x":1,"x":2}`)) {
		t.Error("a member that does not matter must not be there twice")
	}
}

// membersIn lists the members of an object, and reports whether it is one.
func membersIn(data []byte) (list [][2]string, ok bool) {
	c := jsonscan.Cursor{Text: data}
	if c.Peek() != '{' || !c.Enter('{') {
		return nil, false
	}
	for name, more := c.Member(); more; name, more = c.Member() {
		list = append(list, [2]string{string(name), string(c.Value().Of(data))})
	}
	return list, c.End()
}
