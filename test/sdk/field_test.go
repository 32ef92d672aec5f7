package sdk

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	openaigo "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestLibraryFieldsAreClassified: whatever member the libraries can send is one that
// somebody has classified, so that none is left out; a new version may bring one.
func TestLibraryFieldsAreClassified(t *testing.T) {
	const anthropic = "node/node_modules/@anthropic-ai/sdk/resources/"
	for _, tt := range []struct {
		e      openai.Endpoint
		from   string
		fields []string
	}{
		{openai.ChatCompletions, "openai-go", goFields(openaigo.ChatCompletionNewParams{})},
		{openai.Completions, "openai-go", goFields(openaigo.CompletionNewParams{})},
		{openai.Embeddings, "openai-go", goFields(openaigo.EmbeddingNewParams{})},
		{openai.Responses, "openai-go", goFields(responses.ResponseNewParams{})},
		{openai.ChatCompletions, "openai", nodeFields(t, "node/node_modules/openai/resources/chat/completions/completions.d.ts", "ChatCompletionCreateParamsBase")},
		{openai.Responses, "openai", nodeFields(t, "node/node_modules/openai/resources/responses/responses.d.ts", "ResponseCreateParamsBase")},
		{openai.Messages, "anthropic", nodeFields(t, anthropic+"messages/messages.d.ts", "MessageCreateParamsBase")},
		{openai.Messages, "anthropic's beta", nodeFields(t, anthropic+"beta/messages/messages.d.ts", "MessageCreateParamsBase")},
		{openai.CountTokens, "anthropic", nodeFields(t, anthropic+"messages/messages.d.ts", "MessageCountTokensParams")},
		{openai.CountTokens, "anthropic's beta", nodeFields(t, anthropic+"beta/messages/messages.d.ts", "MessageCountTokensParams")},
	} {
		if len(tt.fields) < 5 {
			t.Errorf("%s of %s: the members %q are too few", tt.e, tt.from, tt.fields)
		}
		for _, field := range tt.fields {
			if !slices.ContainsFunc(openai.Members(tt.e), func(m openai.Member) bool { return m.Name == field }) {
				t.Errorf("%s of %s: nobody has classified %s", tt.e, tt.from, field)
			}
		}
	}
}

// goFields returns the names that the members of a struct have in JSON.
func goFields(params any) (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(params)) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" && len(f.Index) == 1 {
			names = append(names, name)
		}
	}
	return names
}

var nodeField = regexp.MustCompile(`(?m)^    (\w+)\??: `)

// nodeFields returns the names of the members of an interface.
func nodeFields(t *testing.T, file, name string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "export interface "+name+" {\n")
	if !found {
		t.Fatalf("%s has no %s", file, name)
	}
	body, _, _ = strings.Cut(body, "\n}\n")
	for _, m := range nodeField.FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	return names
}
