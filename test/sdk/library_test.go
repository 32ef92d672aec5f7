package sdk

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
)

// call is one check of a library. The library asks the gateway at URL with Key.
type call struct {
	ID     int    `json:"id"`
	Check  string `json:"check"`
	URL    string `json:"url"`
	Key    string `json:"key"`
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	Prompt string `json:"prompt"`
	Mock   mock   `json:"mock"`
}

// mock says how the model server answers; the gateway is told to pass it on.
type mock struct {
	OutputTokens    int64 `json:"output_tokens"`
	ReasoningTokens int64 `json:"reasoning_tokens,omitempty"`
	CachedTokens    int64 `json:"cached_tokens,omitempty"`
	ToolCall        bool  `json:"tool_call,omitempty"`
	Status          int   `json:"status,omitempty"`
}

// outcome is what a library made of a call.
type outcome struct {
	ID     int       `json:"id"`
	Result *result   `json:"result"`
	Error  *failure  `json:"error"`
	Sent   []any     `json:"sent"` // the body of each attempt
	IDs    []*string `json:"ids"`  // the request id of each answer
}

// result is what a library read out of an answer.
type result struct {
	Model     string          `json:"model"`
	Text      string          `json:"text"`
	Finish    string          `json:"finish"`
	Reasoning string          `json:"reasoning"`
	Parsed    json.RawMessage `json:"parsed"`
	Tools     []toolCall      `json:"tools"`
	Logprobs  []logprob       `json:"logprobs"`
	Usage     usage           `json:"usage"`
	Pieces    int             `json:"pieces"` // in which a stream's text came
	Vectors   [][]float64     `json:"vectors"`
	Models    []string        `json:"models"`
}

type toolCall struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON
}

type logprob struct {
	Token   string   `json:"token"`
	Logprob float64  `json:"logprob"`
	Top     []string `json:"top"`
}

type usage struct {
	Input  int64 `json:"input"`
	Output int64 `json:"output"`
	Cached int64 `json:"cached"`
}

// failure is an error as a library raises it.
type failure struct {
	Class       string            `json:"class"`
	Message     string            `json:"message"`
	Status      int               `json:"status"` // 0: no error of the library's own
	Code        string            `json:"code"`
	Type        string            `json:"type"`
	RequestID   string            `json:"requestID"`
	Headers     map[string]string `json:"headers"` // names in lower case
	WaitSeconds float64           `json:"waitSeconds"`
}

// library is a library under test.
type library interface {
	// run runs one check. It fails where the library cannot be reached at all.
	run(ctx context.Context, c call) (outcome, error)
}

// ask runs one check of a library.
func ask(t *testing.T, name string, c call) outcome {
	t.Helper()
	o, err := libraries.get(t, name).run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// names of the libraries.
const (
	openaiGo   = "openai-go"
	openaiNode = "openai-node"
	anthropic  = "anthropic"
	aiSDK      = "ai-sdk"
)

var everyLibrary = []string{openaiGo, openaiNode, anthropic, aiSDK}

// libraries are started once for all tests, at their first use.
var libraries shelf

type shelf struct {
	mu      sync.Mutex
	started map[string]library
}

func (s *shelf) get(t *testing.T, name string) library {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.started[name]; l != nil {
		return l
	}
	var l library
	switch name {
	case openaiGo:
		l = goLibrary{}
	case openaiNode:
		l = startNode(t, "openai.mjs")
	case anthropic:
		l = startNode(t, "anthropic.mjs")
	case aiSDK:
		l = startNode(t, "ai.mjs")
	default:
		t.Fatalf("no library is called %q", name)
	}
	if s.started == nil {
		s.started = map[string]library{}
	}
	s.started[name] = l
	return l
}

// close ends the processes.
func (s *shelf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.started {
		if n, ok := l.(*nodeLibrary); ok {
			n.close()
		}
	}
}
