package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// values are what members of requests have in TestRequestsAreAsDescribed.
var values = []string{`null`, `true`, `0`, `1`, `2`, `-1`, `1.5`, `"a"`, `[]`, `["a"]`, `[1]`, `[{"role":"user","content":"a"}]`, `{}`}

// TestRequestsAreAsDescribed sends requests with values of every kind in the
// members that the document describes: the gateway refuses what the document does
// not allow, and passes on what it does.
func TestRequestsAreAsDescribed(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Wrap: answering(http.StatusConflict)}) // what passes is answered with 409, an unknown model with 404
	doc, checked := load(t), 0
	for path, item := range doc.Paths.Map() {
		if _, inPath := operation(path); !isDataPlane(item) || inPath {
			continue
		}
		schema := item.Post.RequestBody.Value.Content["application/json"].Schema.Value
		for _, member := range members(schema) {
			for _, value := range values {
				checked++
				var body map[string]any
				if err := json.Unmarshal([]byte(bodyOf(path, "")), &body); err != nil {
					t.Fatal(err)
				}
				body[member] = json.RawMessage(value)
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				var plain any
				if err := json.Unmarshal(text, &plain); err != nil {
					t.Fatal(err)
				}
				described := schema.VisitJSON(plain, openapi3.EnableJSONSchema2020()) == nil
				status, _, answer := g.Post(t, path, "alice", string(text))
				if passed := status != http.StatusBadRequest; passed != described {
					t.Errorf("%s: %s of %s: the document allows it: %v; the gateway answers %d %.300s", path, member, value, described, status, answer)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("%d requests were checked only", checked)
	}
}

// members returns the names that a schema and those that it is made of describe.
func members(s *openapi3.Schema) []string {
	names := sorted(s.Properties)
	for _, part := range s.AllOf {
		names = append(names, members(part.Value)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
