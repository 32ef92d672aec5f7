package sdk

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	openaigo "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// TestLibraryFieldsAreClassified: whatever member the libraries can send is one that
// somebody has classified, so that none is left out; a new version may bring one.
func TestLibraryFieldsAreClassified(t *testing.T) {
	const anthropic = "node/node_modules/@anthropic-ai/sdk/resources/"
	for _, tt := range []struct {
		e      wire.Endpoint
		from   string
		fields []string
	}{
		{wire.ChatCompletions, "openai-go", goFields(openaigo.ChatCompletionNewParams{})},
		{wire.Completions, "openai-go", goFields(openaigo.CompletionNewParams{})},
		{wire.Embeddings, "openai-go", goFields(openaigo.EmbeddingNewParams{})},
		{wire.Responses, "openai-go", goFields(responses.ResponseNewParams{})},
		{wire.ChatCompletions, "openai", nodeFields(t, "node/node_modules/openai/resources/chat/completions/completions.d.ts", "ChatCompletionCreateParamsBase")},
		{wire.Responses, "openai", nodeFields(t, "node/node_modules/openai/resources/responses/responses.d.ts", "ResponseCreateParamsBase")},
		{wire.Messages, "anthropic", nodeFields(t, anthropic+"messages/messages.d.ts", "MessageCreateParamsBase")},
		{wire.Messages, "anthropic's beta", nodeFields(t, anthropic+"beta/messages/messages.d.ts", "MessageCreateParamsBase")},
		{wire.CountTokens, "anthropic", nodeFields(t, anthropic+"messages/messages.d.ts", "MessageCountTokensParams")},
		{wire.CountTokens, "anthropic's beta", nodeFields(t, anthropic+"beta/messages/messages.d.ts", "MessageCountTokensParams")},
		{wire.ChatCompletions, "openai for Python", pythonFields(t, "openai", "chat/completion_create_params.py", "CompletionCreateParamsBase")},
		{wire.Completions, "openai for Python", pythonFields(t, "openai", "completion_create_params.py", "CompletionCreateParamsBase")},
		{wire.Embeddings, "openai for Python", pythonFields(t, "openai", "embedding_create_params.py", "EmbeddingCreateParams")},
		{wire.Responses, "openai for Python", pythonFields(t, "openai", "responses/response_create_params.py", "ResponseCreateParamsBase")},
		{wire.Messages, "anthropic for Python", pythonFields(t, "anthropic", "message_create_params.py", "MessageCreateParamsBase")},
		{wire.Messages, "anthropic's beta for Python", pythonFields(t, "anthropic", "beta/message_create_params.py", "MessageCreateParamsBase")},
		{wire.CountTokens, "anthropic for Python", pythonFields(t, "anthropic", "message_count_tokens_params.py", "MessageCountTokensParams")},
	} {
		if len(tt.fields) < 5 {
			t.Errorf("%s of %s: the members %q are too few", tt.e, tt.from, tt.fields)
		}
		for _, field := range tt.fields {
			if !slices.ContainsFunc(request.Members(tt.e), func(m member.Member) bool { return m.Name == field }) {
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

var pythonField = regexp.MustCompile(`(?m)^    (\w+): `)

// pythonFields returns the names of the members of a typed dictionary. Those of
// header fields, which it has too, are annotated with an alias.
func pythonFields(t *testing.T, library, file, name string) (names []string) {
	t.Helper()
	found, err := filepath.Glob("python/.venv/lib/python*/site-packages/" + library + "/types/" + file)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s of %s is at %q (%v)", file, library, found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "class "+name+"(")
	if !ok {
		t.Fatalf("%s has no %s", found[0], name)
	}
	body, _, _ = strings.Cut(body, "\n\n\n")
	for line := range strings.Lines(body) {
		if m := pythonField.FindStringSubmatch(line); m != nil && !strings.Contains(line, "alias=") {
			names = append(names, m[1])
		}
	}
	return names
}
