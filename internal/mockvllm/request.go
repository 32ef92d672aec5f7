package mockvllm

import (
	"bytes"
	"cmp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// body is a request body of any endpoint: the members that matter here.
type body struct {
	Model string `json:"model"`
	User  string `json:"user"`

	Messages     []message      `json:"messages"`
	System       content        `json:"system"`
	Instructions content        `json:"instructions"`
	Tools        jsontext.Value `json:"tools"`
	Prompt       jsontext.Value `json:"prompt"`
	Input        jsontext.Value `json:"input"`
	Query        jsontext.Value `json:"query"`
	Documents    jsontext.Value `json:"documents"`
	Queries      jsontext.Value `json:"queries"`
	Text1        jsontext.Value `json:"text_1"`
	Text2        jsontext.Value `json:"text_2"`
	Tokens       []int64        `json:"tokens"`

	Stream bool `json:"stream"`
	// StreamInterval and IncludeReasoning change which events a stream has.
	StreamInterval   int64          `json:"stream_interval"`
	IncludeReasoning *bool          `json:"include_reasoning"`
	StreamOptions    *streamOptions `json:"stream_options"`

	MaxTokens           nullable `json:"max_tokens"`
	MaxCompletionTokens *int64   `json:"max_completion_tokens"`
	MaxOutputTokens     *int64   `json:"max_output_tokens"`
	MinTokens           int64    `json:"min_tokens"`
	IgnoreEOS           bool     `json:"ignore_eos"`
	N                   *int64   `json:"n"`
	BestOf              *int64   `json:"best_of"`
	UseBeamSearch       bool     `json:"use_beam_search"`

	Logprobs       jsontext.Value `json:"logprobs"`
	TopLogprobs    int64          `json:"top_logprobs"`
	EncodingFormat string         `json:"encoding_format"`

	ResponseFormat responseFormat `json:"response_format"`
	Text           struct {
		Format responseFormat `json:"format"`
	} `json:"text"`

	MetadataJSON jsontext.Value `json:"metadata"`
	Mock         jsontext.Value `json:"mock"`
}

// streamOptions are vLLM's StreamOptions (vllm/entrypoints/openai/engine/protocol.py):
// include_usage is true where it is left out, and not where it is null.
type streamOptions struct {
	IncludeUsage    jsontext.Value `json:"include_usage"`
	ContinuousUsage bool           `json:"continuous_usage_stats"`
}

// nullable is a number of which null means something else than its absence.
type nullable struct {
	value  *int64
	isNull bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *nullable) UnmarshalJSON(raw []byte) error {
	n.isNull = len(raw) > 0 && raw[0] == 'n'
	return json.Unmarshal(raw, &n.value)
}

// parseBody reads a body as vLLM's Python does: of a repeated member the last
// counts, members that nobody knows are ignored.
func parseBody(raw []byte, b *body) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return invalid("", "Field required: the request has no body")
	}
	if err := json.Unmarshal(raw, b, jsontext.AllowDuplicateNames(true)); err != nil {
		return invalid("", "Invalid request body: %v", err)
	}
	return nil
}

// parseBehavior overlays the behaviour b with the body's own.
func parseBehavior(mock jsontext.Value, b Behavior) (Behavior, error) {
	if len(mock) == 0 || mock.Kind() == 'n' {
		return b, nil
	}
	if err := json.Unmarshal(mock, &b, json.RejectUnknownMembers(true)); err != nil {
		return b, invalid("mock", "mock: %v", err)
	}
	if err := b.check(); err != nil {
		return b, invalid("mock", "%v", err)
	}
	return b, nil
}

// user returns whom the request is booked on.
func (b *body) user(mock string) string {
	var metadata struct {
		UserID string `json:"user_id"`
	}
	_ = json.Unmarshal(b.MetadataJSON, &metadata) // of another shape, it names nobody
	return cmp.Or(mock, b.User, metadata.UserID)
}

// outputCap returns the cap on each choice's output, and whether there is one.
func (b *body) outputCap() (int64, bool) {
	limit := cmp.Or(b.MaxCompletionTokens, b.MaxOutputTokens, b.MaxTokens.value)
	if limit == nil {
		return 0, false
	}
	return *limit, true
}

// sequences returns the number of sequences generated for each prompt, of
// which the first returned ones become choices.
func (b *body) sequences() (generated, returned int64) {
	returned = *cmp.Or(b.N, new(int64(1)))
	return max(returned, *cmp.Or(b.BestOf, new(int64))), returned
}

func (b *body) wantsLogprobs() bool {
	return b.Logprobs.Kind() == 't' || b.Logprobs.Kind() == '0'
}

// toolName returns the name of the first tool.
func (b *body) toolName() string {
	if tools := elements(b.Tools); len(tools) > 0 {
		return nameOf(tools[0])
	}
	return "tool"
}
