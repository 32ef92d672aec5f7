package registrar

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// FuzzParse reads bodies of any bytes: what is taken is an object of known members, each once and
// in its own letters, and what is not is a problem that says where and is short.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"name":"a","user":"b"}`, `{"name":"a","roles":["user"],"act_as":true,"expires_at":null}`, `{"Name":"a"}`, `{"name":1}`, `{"a/b~":1}`,
		`{"name":"a","name":"b"}`, `[]`, `null`, `{}{}`, "{\"name\":\"\xff\"}", `{"models":[[[[`, `{"overlap":"1h","\ud800":1}`, `{"roles":null,"models":[1]}`,
	} {
		f.Add([]byte(text))
	}
	known := []string{"name", "user", "roles", "act_as", "models", "endpoints", "expires_at", "hash"}
	f.Fuzz(func(t *testing.T, text []byte) {
		var create createRequest
		err := parse(text, &create)
		if err == nil {
			checkTaken(t, text, known)
		} else {
			checkProblem(t, text, err)
		}
		var patch patchRequest
		if err := parse(text, &patch); err != nil {
			checkProblem(t, text, err)
		} else if members := checkTaken(t, text, known); len(members) > 0 && members["user"] != nil {
			t.Errorf("a patch with the members %v is taken", members)
		} else if _, sent := members["name"]; sent != patch.Name.sent || patch.Name.null != (string(members["name"]) == "null" && sent) {
			t.Errorf("%q is read as %+v", text, patch.Name)
		}
	})
}

// checkTaken checks a body that was taken, by another reader, and returns its members.
func checkTaken(t *testing.T, text []byte, known []string) map[string]json.RawMessage {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	var members map[string]json.RawMessage
	if err := d.Decode(&members); err != nil || members == nil || d.More() {
		t.Fatalf("%q is taken: %v", text, err)
	}
	for name := range members {
		if !slices.Contains(known, name) {
			t.Errorf("%q is taken with the member %q", text, name)
		}
	}
	return members
}

// checkProblem checks what a body is refused with.
func checkProblem(t *testing.T, text []byte, err error) {
	t.Helper()
	p, ok := errors.AsType[*reply.Problem](err)
	if !ok || p.Status != http.StatusBadRequest || len(p.Faults) != 1 || !strings.HasPrefix(p.Faults[0].Pointer, "#") || len(p.Detail) > 600 {
		t.Errorf("%q is refused with %+v", text, err)
	}
}

// FuzzExpected reads If-Match: what it understands is an ETag as it is told.
func FuzzExpected(f *testing.F) {
	for _, text := range []string{`"1"`, `*`, `W/"1"`, `"1", "2"`, `"01"`, `"+1"`, `"9223372036854775807"`, ` "7" `, `""`, `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := expected(http.Header{"If-Match": {text}})
		bare := strings.TrimSpace(text)
		switch {
		case err == nil && n == 0 && bare != "*", err == nil && n > 0 && etag(n) != bare, n < 0, err != nil && n != 0:
			t.Errorf("%q is read as %d, %v", text, n, err)
		}
	})
}
