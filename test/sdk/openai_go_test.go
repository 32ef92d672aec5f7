package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// What stands between "docs:" and "end" is shown in docs/clients.md.

// docs: connect
func connect(url, key string, options ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(url + "/v1"), option.WithAPIKey(key),
	}, options...)...)
}

// end

// docs: limit
// askOrWait asks once, and says how long to wait where the limit is reached.
func askOrWait(ctx context.Context, client openai.Client, question openai.ChatCompletionNewParams) (
	answer *openai.ChatCompletion, wait time.Duration, err error,
) {
	answer, err = client.Chat.Completions.New(ctx, question, option.WithMaxRetries(0))
	var denied *openai.Error
	if errors.As(err, &denied) && denied.StatusCode == http.StatusTooManyRequests {
		seconds, _ := strconv.Atoi(denied.Response.Header.Get("Retry-After"))
		wait = time.Duration(seconds) * time.Second
	}
	return answer, wait, err
}

// end

// goLibrary is OpenAI's library for Go.
type goLibrary struct{}

// goCall is one call of it.
type goCall struct {
	call
	ctx     context.Context
	options []option.RequestOption
}

func (goLibrary) run(ctx context.Context, c call) (outcome, error) {
	var seen outcome
	g := goCall{call: c, ctx: ctx}
	g.options = []option.RequestOption{option.WithMiddleware(seen.watch), option.WithHTTPClient(http.DefaultClient)}
	if c.Check != "retry" { // which is as the library comes
		g.options = append(g.options, option.WithMaxRetries(0))
	}
	if c.Mock != (mock{}) {
		g.options = append(g.options, option.WithJSONSet("mock", c.Mock))
	}
	check := goChecks[c.Check]
	if check == nil {
		return seen, fmt.Errorf("no check is called %q", c.Check)
	}
	result, err := check(g)
	if seen.Result = result; err != nil {
		seen.Error = failed(err)
	}
	return seen, nil
}

// watch notes what is sent and the id of what comes.
func (o *outcome) watch(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	var body any
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if err := json.Unmarshal(raw, &body); err != nil {
			return nil, err
		}
	}
	o.Sent = append(o.Sent, body)
	response, err := next(r)
	if err == nil {
		id := response.Header.Get("X-Request-Id")
		o.IDs = append(o.IDs, &id)
	}
	return response, err
}

func failed(err error) *failure {
	f := &failure{Class: fmt.Sprintf("%T", err), Message: err.Error()}
	var waits *waitError
	if errors.As(err, &waits) {
		f.WaitSeconds, err = waits.wait.Seconds(), waits.error
		f.Class = fmt.Sprintf("%T", err)
	}
	var e *openai.Error
	if !errors.As(err, &e) {
		return f
	}
	f.Status, f.Code, f.Type, f.Message = e.StatusCode, e.Code, e.Type, e.Message
	f.Headers = map[string]string{}
	for name, values := range e.Response.Header {
		f.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	f.RequestID = f.Headers["x-request-id"]
	return f
}

// waitError is an error of the library with what askOrWait says beside it.
type waitError struct {
	error
	wait time.Duration
}

var goChecks = map[string]func(goCall) (*result, error){
	"chat":  func(c goCall) (*result, error) { return c.chat(openai.ChatCompletionNewParams{}) },
	"retry": func(c goCall) (*result, error) { return c.chat(openai.ChatCompletionNewParams{}) },
	"tools": func(c goCall) (*result, error) {
		return c.chat(openai.ChatCompletionNewParams{Tools: []openai.ChatCompletionToolUnionParam{
			openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name: "look_up", Description: openai.String("Looks a text up."), Parameters: lookUp,
			}),
		}})
	},
	"logprobs": func(c goCall) (*result, error) {
		return c.chat(openai.ChatCompletionNewParams{Logprobs: openai.Bool(true), TopLogprobs: openai.Int(2)})
	},
	"structured": func(c goCall) (*result, error) {
		return c.chat(openai.ChatCompletionNewParams{ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{
			OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
				JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "greeting", Strict: openai.Bool(true), Schema: greeting},
			},
		}})
	},
	"image": func(c goCall) (*result, error) {
		return c.chat(openai.ChatCompletionNewParams{Messages: []openai.ChatCompletionMessageParamUnion{
			openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
				openai.TextContentPart("What is this?"),
				openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: picture, Detail: "low"}),
			}),
		}})
	},
	"responses": func(c goCall) (*result, error) { return c.respond(responses.ResponseNewParams{}) },
	"responses tools": func(c goCall) (*result, error) {
		return c.respond(responses.ResponseNewParams{Tools: []responses.ToolUnionParam{
			responses.ToolParamOfFunction("look_up", lookUp, false),
		}})
	},
	"responses structured": func(c goCall) (*result, error) {
		return c.respond(responses.ResponseNewParams{Text: responses.ResponseTextConfigParam{
			Format: responses.ResponseFormatTextConfigUnionParam{
				OfJSONSchema: &responses.ResponseFormatTextJSONSchemaConfigParam{Name: "greeting", Schema: greeting},
			},
		}})
	},
	"embeddings": goCall.embed,
	"models":     goCall.models,
	"limit": func(c goCall) (*result, error) {
		answer, wait, err := askOrWait(c.ctx, c.client(), c.question(openai.ChatCompletionNewParams{}))
		if err != nil {
			return nil, &waitError{err, wait}
		}
		return told(answer), nil
	},
}

var (
	lookUp   = map[string]any{"type": "object", "properties": text("text"), "required": []string{"text"}}
	greeting = map[string]any{
		"type": "object", "properties": text("words"), "required": []string{"words"}, "additionalProperties": false,
	}
)

// picture is one pixel.
const picture = "data:image/png;base64," +
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// text is the properties of an object with one string.
func text(name string) map[string]any {
	return map[string]any{name: map[string]any{"type": "string"}}
}

func (c goCall) client() openai.Client { return connect(c.URL, c.Key, c.options...) }

func (c goCall) question(q openai.ChatCompletionNewParams) openai.ChatCompletionNewParams {
	q.Model = c.Model
	if q.Messages == nil {
		q.Messages = []openai.ChatCompletionMessageParamUnion{openai.UserMessage(c.Prompt)}
	}
	return q
}

// chat asks for a chat, streamed where the call says so.
func (c goCall) chat(q openai.ChatCompletionNewParams) (*result, error) {
	client := c.client()
	q = c.question(q)
	if !c.Stream {
		answer, err := client.Chat.Completions.New(c.ctx, q)
		if err != nil {
			return nil, err
		}
		return told(answer), nil
	}
	q.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := client.Chat.Completions.NewStreaming(c.ctx, q)
	defer stream.Close()
	var whole openai.ChatCompletionAccumulator
	var reasoning string
	pieces := 0
	for stream.Next() {
		chunk := stream.Current()
		if !whole.AddChunk(chunk) {
			return nil, errors.New("a chunk does not fit those before it")
		}
		for _, choice := range chunk.Choices {
			if choice.Delta.Content != "" {
				pieces++
			}
			reasoning += extra(choice.Delta.JSON.ExtraFields["reasoning"].Raw())
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	r := told(&whole.ChatCompletion)
	r.Reasoning, r.Pieces = reasoning, pieces
	return r, nil
}

// extra reads a string that the library has no field for.
func extra(raw string) string {
	var s string
	_ = json.Unmarshal([]byte(raw), &s) // absent and null are ""
	return s
}

func told(answer *openai.ChatCompletion) *result {
	choice := answer.Choices[0]
	r := &result{
		Model: answer.Model, Text: choice.Message.Content, Finish: choice.FinishReason,
		Reasoning: extra(choice.Message.JSON.ExtraFields["reasoning"].Raw()),
		Usage: usage{
			Input: answer.Usage.PromptTokens, Output: answer.Usage.CompletionTokens,
			Cached: answer.Usage.PromptTokensDetails.CachedTokens,
		},
	}
	for _, tool := range choice.Message.ToolCalls {
		r.Tools = append(r.Tools, toolCall{tool.Function.Name, tool.Function.Arguments})
	}
	for _, token := range choice.Logprobs.Content {
		l := logprob{Token: token.Token, Logprob: token.Logprob}
		for _, top := range token.TopLogprobs {
			l.Top = append(l.Top, top.Token)
		}
		r.Logprobs = append(r.Logprobs, l)
	}
	if json.Valid([]byte(r.Text)) {
		r.Parsed = json.RawMessage(r.Text)
	}
	return r
}

// respond asks for a response, streamed where the call says so.
func (c goCall) respond(q responses.ResponseNewParams) (*result, error) {
	client := c.client()
	q.Model = c.Model
	q.Input = responses.ResponseNewParamsInputUnion{OfString: openai.String(c.Prompt)}
	if !c.Stream {
		answer, err := client.Responses.New(c.ctx, q)
		if err != nil {
			return nil, err
		}
		return toldResponse(answer), nil
	}
	stream := client.Responses.NewStreaming(c.ctx, q)
	defer stream.Close()
	r, pieces := (*result)(nil), 0
	for stream.Next() {
		switch event := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			pieces++
		case responses.ResponseCompletedEvent:
			r = toldResponse(&event.Response)
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("the stream ended without response.completed")
	}
	r.Pieces = pieces
	return r, nil
}

func toldResponse(answer *responses.Response) *result {
	r := &result{
		Model: answer.Model, Text: answer.OutputText(), Finish: string(answer.Status),
		Usage: usage{
			Input: answer.Usage.InputTokens, Output: answer.Usage.OutputTokens,
			Cached: answer.Usage.InputTokensDetails.CachedTokens,
		},
	}
	for _, item := range answer.Output {
		if call, ok := item.AsAny().(responses.ResponseFunctionToolCall); ok {
			r.Tools = append(r.Tools, toolCall{call.Name, call.Arguments})
		}
	}
	if json.Valid([]byte(r.Text)) {
		r.Parsed = json.RawMessage(r.Text)
	}
	return r
}

func (c goCall) embed() (*result, error) {
	client := c.client()
	answer, err := client.Embeddings.New(c.ctx, openai.EmbeddingNewParams{
		Model: c.Model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"Once", "upon a time"}},
	})
	if err != nil {
		return nil, err
	}
	r := &result{Usage: usage{Input: answer.Usage.PromptTokens}}
	for _, e := range answer.Data {
		r.Vectors = append(r.Vectors, e.Embedding)
	}
	return r, nil
}

func (c goCall) models() (*result, error) {
	client := c.client()
	page := client.Models.ListAutoPaging(c.ctx)
	r := &result{}
	for page.Next() {
		r.Models = append(r.Models, page.Current().ID)
	}
	if err := page.Err(); err != nil {
		return nil, err
	}
	m, err := client.Models.Get(c.ctx, c.Model)
	if err != nil {
		return nil, err
	}
	r.Model, r.Finish = m.ID, fmt.Sprintf("%s of %d", m.Object, m.Created)
	return r, nil
}
