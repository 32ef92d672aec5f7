package sdk

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
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
	Async  bool   `json:"async"` // for Python: the asynchronous client is asked
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
	openaiPython    = "openai-python"
	anthropicPython = "anthropic-python"
	langChain       = "langchain"
	openaiGo        = "openai-go"
	openaiNode      = "openai-node"
	anthropic       = "anthropic"
	aiSDK           = "ai-sdk"

	openaiPythonAsync    = openaiPython + async
	anthropicPythonAsync = anthropicPython + async
	langChainAsync       = langChain + async
)

// async ends the names of libraries whose asynchronous clients are asked, in the
// process of the synchronous ones.
const async = "-async"

var everyLibrary = slices.Concat(ofOpenAI, ofAnthropic, ofLangChain, []string{aiSDK})

// Libraries by the makers of what they are for.
var (
	ofOpenAI    = []string{openaiPython, openaiPythonAsync, openaiGo, openaiNode}
	ofAnthropic = []string{anthropicPython, anthropicPythonAsync, anthropic}
	ofLangChain = []string{langChain, langChainAsync}
)

// startLibrary starts a library.
func startLibrary(t *testing.T, name string) library {
	t.Helper()
	switch name {
	case openaiPython:
		return startPython(t, "openai_checks.py")
	case anthropicPython:
		return startPython(t, "anthropic_checks.py")
	case langChain:
		return startPython(t, "langchain_checks.py")
	case openaiGo:
		return goLibrary{}
	case openaiNode:
		return startNode(t, "openai.mjs")
	case anthropic:
		return startNode(t, "anthropic.mjs")
	case aiSDK:
		return startNode(t, "ai.mjs")
	}
	t.Fatalf("no library is called %q", name)
	return nil
}

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
	name, isAsync := strings.CutSuffix(name, async)
	if s.started[name] == nil {
		if s.started == nil {
			s.started = map[string]library{}
		}
		s.started[name] = startLibrary(t, name)
	}
	if isAsync {
		return asynchronous{s.started[name]}
	}
	return s.started[name]
}

// close ends the processes.
func (s *shelf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.started {
		if p, ok := l.(*process); ok {
			p.close()
		}
	}
}
