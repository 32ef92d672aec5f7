package usage

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// sample is a text with its true number of tokens by each tokenizer.
type sample struct {
	Kind   string
	Tokens map[string]int64
	Text   string
}

var tokenizers = []string{"llama2", "llama3", "qwen3", "cl100k", "o200k"}

var readTexts = sync.OnceValues(func() ([]sample, error) { return readSamples("testdata/texts.jsonl") })

// texts returns the texts of the test data, the kinds taking turns.
func texts(t testing.TB) []sample {
	t.Helper()
	all, err := readTexts()
	if err != nil {
		t.Fatal(err)
	}
	return interleave(all)
}

func readSamples(path string) ([]sample, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []sample
	for line := range bytes.Lines(data) {
		var s sample
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func interleave(all []sample) []sample {
	byKind := make(map[string][]sample)
	var kinds []string
	for _, s := range all {
		if byKind[s.Kind] == nil {
			kinds = append(kinds, s.Kind)
		}
		byKind[s.Kind] = append(byKind[s.Kind], s)
	}
	var out []sample
	for i := 0; len(out) < len(all); i++ {
		for _, k := range kinds {
			if i < len(byKind[k]) {
				out = append(out, byKind[k][i])
			}
		}
	}
	return out
}

// chat returns a chat request with one message.
func chat(text string) *request.Request {
	r := &request.Request{Endpoint: wire.ChatCompletions, Sequences: 1, Choices: 1, Prompts: 1, Content: request.Content{Messages: 1}}
	r.Text.Add([]byte(text))
	return r
}

// template is what the chat templates of the tests add to a prompt and to a message.
const (
	templatePrompt  = 3
	templateMessage = 4
)

func inputOf(s *sample, tokenizer string) int64 {
	return s.Tokens[tokenizer] + templatePrompt + templateMessage
}
