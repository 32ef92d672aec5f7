package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
)

// load returns the document, which is valid.
func load(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestDocumentIsValid also wants a tag, a summary and an id of every operation,
// and that nothing is described that nothing refers to.
func TestDocumentIsValid(t *testing.T) {
	doc := load(t)
	seen := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			what := method + " " + path
			if op.Summary == "" || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("%s: the summary is %q, the tags are %q", what, op.Summary, op.Tags)
			}
			if other, twice := seen[op.OperationID]; twice || op.OperationID == "" {
				t.Errorf("%s has the id %q, as has %s", what, op.OperationID, other)
			}
			seen[op.OperationID] = what
		}
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
}

// routes notes the patterns that are registered.
type routes map[string]bool

// Handle implements gate.Routes.
func (r routes) Handle(pattern string, _ gate.Rules, _ http.Handler) { r[pattern] = true }

// registered returns the paths that the code serves, as OpenAPI writes them.
func registered() []string {
	r := routes{}
	proxy.New(proxy.Options{}).Register(r)
	operators := admin.New(admin.Options{Metrics: http.NotFoundHandler(), Profiles: true})
	operators.Register(r)
	registrar.New(registrar.Options{}).Register(r)
	operators.RegisterOperations(r)
	paths := map[string]bool{}
	for pattern := range r {
		switch {
		case pattern == "/": // what is not found
		case strings.HasPrefix(pattern, "/debug/pprof/"): // one description for all profiles
			paths["/debug/pprof/{profile}"] = true
		default:
			paths[strings.Replace(pattern, "...}", "}", 1)] = true // OpenAPI has no name for slashes in a parameter
		}
	}
	return sorted(paths)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestPathsAreThoseOfTheCode(t *testing.T) {
	if diff := cmp.Diff(registered(), sorted(load(t).Paths.Map())); diff != "" {
		t.Errorf("paths (-the code +the document):\n%s", diff)
	}
}

// TestPermissionsAreThoseOfTheCode: a role may be given each permission that there is.
func TestPermissionsAreThoseOfTheCode(t *testing.T) {
	var described, known []string
	for _, p := range load(t).Components.Schemas["Permissions"].Value.Items.Value.Enum {
		described = append(described, p.(string))
	}
	for p := range identity.Permissions() {
		known = append(known, p.String())
	}
	if diff := cmp.Diff(known, described); diff != "" {
		t.Errorf("permissions (-the code +the document):\n%s", diff)
	}
}

// otherMethod is one that no path has.
const otherMethod = "REPORT"

// TestMethodsAreThoseOfTheCode asks every path with a method that it does not
// have: the answer says which it has.
func TestMethodsAreThoseOfTheCode(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Config: "management: {pprof: true}\n"})
	for path, item := range load(t).Paths.Map() {
		request, err := http.NewRequestWithContext(t.Context(), otherMethod, g.URL+fill(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := g.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		allowed := strings.Split(response.Header.Get("Allow"), ", ")
		if diff := cmp.Diff(allowed, sorted(item.Operations())); diff != "" || response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is answered with %d (-Allow +the document):\n%s", otherMethod, path, response.StatusCode, diff)
		}
	}
}

// fill returns a path with values in the places of its parameters.
func fill(path string) string {
	return strings.NewReplacer("{model}", apptest.Model, "{user}", "alice", "{profile}", "cmdline", "{id}", "file:u", "{tenant}", "acme", "{role}", "admin").Replace(path)
}
