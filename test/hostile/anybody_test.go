package hostile_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// anybody makes bodies that have text anywhere: under known and unknown names, as names,
// at any depth, where media belongs and where it does not.
type anybody struct{ *rand.Rand }

// protocolNames are the names that messages, items and parts have in the interfaces of
// OpenAI, Anthropic and vLLM, and some that nobody has.
var protocolNames = []string{
	"role", "content", "type", "text", "name", "tool_calls", "tool_call_id", "id", "call_id", "tool_use_id", "function",
	"function_call", "arguments", "input", "parameters", "output", "summary", "refusal", "thinking", "reasoning", "reasoning_content",
	"status", "annotations", "logprobs", "cache_control", "uuid", "image_url", "image", "image_pil", "image_embeds", "source", "video_url",
	"input_audio", "audio_url", "audio_embeds", "data", "url", "detail", "format", "media_type", "documents", "signature", "title", "prefix",
	"mask", "weight", "x", "a name of several words", "이름",
}

var protocolTypes = []string{"text", "text", "text", "input_text", "output_text", "image_url", "input_image", "image", "input_audio", "thinking",
	"reasoning", "function", "tool_use", "tool_result", "tool_reference", "message", "refusal", "nothing known"}

// text returns a text of about so many characters, of one of several kinds: some that
// tokenizers pack well, and some that they do not.
func (a anybody) text(size int) string {
	units := [...][]string{
		{"the ", "quick ", "brown ", "fox ", "jumps ", "over "},
		{"안녕하세요 ", "여러분 ", "토큰", "을 ", "셉니다 "},
		{"@", "#", "{", "}", ";", "~", "\"", "\\"},
		{"7", "42", "-1", " 3", "9999"},
		{"q", "x", "z", "k", "v", "Q", "Z"},
		{"🙂", "的", "é", "ก", "\n", "\t", "  "},
		{"<", ">", "&", "'", "<<<"},
		{"\x01", "\x1b", "\x00", "\f", "\"", "\\", "\x7f"},
	}[a.IntN(8)]
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(units[a.IntN(len(units))])
	}
	return b.String()
}

// value returns a value with text in it, nested at most so deep.
func (a anybody) value(size, depth int) any {
	switch n := a.IntN(10); {
	case n < 5 || depth == 0:
		return a.text(1 + a.IntN(size))
	case n < 6:
		return a.Int64()
	case n < 7:
		return []any{true, nil, 0.25}[a.IntN(3)]
	case n < 8:
		list := make([]any, a.IntN(4))
		for i := range list {
			list[i] = a.value(size, depth-1)
		}
		return list
	}
	return a.object(size, depth-1)
}

// object returns an object of a few members. Types are mostly known ones, for a server
// refuses a body whose types are none.
func (a anybody) object(size, depth int) map[string]any {
	o := map[string]any{}
	for range a.IntN(5) {
		o[protocolNames[a.IntN(len(protocolNames))]] = a.value(size, depth)
	}
	if a.IntN(8) == 0 {
		o[a.text(1+a.IntN(size))] = a.IntN(3)
	}
	delete(o, "type")
	if a.IntN(2) == 0 {
		o["type"] = protocolTypes[a.IntN(len(protocolTypes))]
	}
	return o
}

// message returns a message or an item with members that it has, and others.
func (a anybody) message(size int) map[string]any {
	m := a.object(size, 4)
	if a.IntN(8) > 0 {
		m["role"] = []string{"user", "system", "assistant", "tool", "developer", "anything"}[a.IntN(6)]
	}
	switch a.IntN(4) {
	case 0:
		m["content"] = a.text(size)
	case 1, 2:
		parts := make([]any, 1+a.IntN(4))
		for i := range parts {
			parts[i] = a.object(size, 3)
		}
		m["content"] = parts
	}
	return m
}

func (a anybody) messages(size int) []any {
	list := make([]any, 1+a.IntN(4))
	for i := range list {
		list[i] = a.message(size)
	}
	return list
}

// texts returns a list of prompts: texts, or objects where objects says so.
func (a anybody) texts(size int, objects bool) []any {
	list := make([]any, 1+a.IntN(4))
	for i := range list {
		if list[i] = a.text(1 + a.IntN(size)); objects && a.IntN(2) == 0 {
			list[i] = a.object(size, 3)
		}
	}
	return list
}

// side returns what is to be paired with a text: texts and objects, or the parts of one.
func (a anybody) side(size int) any {
	if a.IntN(4) == 0 {
		return map[string]any{"content": a.texts(size, true)}
	}
	return a.texts(size, true)
}

// body returns a body for an endpoint with texts of about size characters, for a user.
func (a anybody) body(e wire.Endpoint, user string, size int) string {
	b := map[string]any{"model": "llama2-7b", "user": user}
	more := map[string]any{}
	switch e {
	case wire.ChatCompletions:
		b["messages"], b["max_tokens"] = a.messages(size), 1
		more["tools"], more["documents"], more["chat_template_kwargs"] = a.tools(size), a.value(size, 4), a.object(size, 4)
	case wire.Completions:
		b["prompt"], b["max_tokens"] = a.texts(size, false), 1
	case wire.Responses:
		b["input"], b["max_output_tokens"] = a.messages(size), 1
		more["tools"], more["instructions"] = a.tools(size), a.text(size)
	case wire.Messages:
		b["messages"], b["max_tokens"] = a.messages(size), 1
		more["tools"], more["system"] = a.tools(size), a.text(size)
	case wire.Embeddings, wire.Pooling, wire.Classify:
		if a.IntN(2) == 0 {
			b["messages"] = a.messages(size)
			more["chat_template_kwargs"] = a.object(size, 4)
		} else {
			b["input"] = a.texts(size, false)
		}
	case wire.Rerank:
		b["query"], b["documents"] = a.text(size), a.side(size)
	case wire.Score:
		if b["text_1"], b["text_2"] = a.text(size), a.side(size); a.IntN(4) == 0 {
			b["text_1"], b["text_2"] = b["text_2"], b["text_1"]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(more)) { // in one order, for a seed to make the same bodies each time
		if a.IntN(2) == 0 {
			b[name] = more[name]
		}
	}
	if a.IntN(2) == 0 {
		a.beside(e, b, size)
	}
	return string(a.appendJSON(nil, b))
}

// beside adds members of the body that nobody knows, and some that templates may show.
func (a anybody) beside(e wire.Endpoint, b map[string]any, size int) {
	var names []string
	for _, m := range request.Members(e) {
		if m.Treatment == member.Priced {
			names = append(names, m.Name)
		}
	}
	for range 1 + a.IntN(3) {
		name := a.text(1 + a.IntN(20))
		if a.IntN(2) == 0 {
			name = names[a.IntN(len(names))]
		}
		if _, ok := b[name]; !ok {
			b[name] = a.value(size, 4)
		}
	}
}

// appendJSON appends a value with the members of its objects in any order.
func (a anybody) appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		a.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		dst = append(dst, '{')
		for i, name := range names {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(a.appendJSON(dst, name), ": "...)
			dst = a.appendJSON(dst, v[name])
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.appendJSON(dst, e)
		}
		return append(dst, ']')
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the test's own mistake
	}
	return append(dst, raw...)
}

// tools returns tools, whose schemas have text anywhere.
func (a anybody) tools(size int) []any {
	return []any{map[string]any{"type": "function", "name": "f", "function": map[string]any{
		"name": a.text(1 + a.IntN(20)), "description": a.value(size, 2),
		"parameters": map[string]any{"type": "object", "enum": a.texts(size, false), "properties": a.object(size, 4)},
	}}}
}
