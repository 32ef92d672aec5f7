package mockvllm

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The tokens that a chat template adds: to each message, and to open the answer.
const (
	messageTokens = 4
	answerTokens  = 3
)

// message is a chat message, or an item of a responses input.
type message struct {
	Content   content        `json:"content"`
	Reasoning content        `json:"reasoning"`
	Output    content        `json:"output"`
	Arguments content        `json:"arguments"`
	ToolCalls jsontext.Value `json:"tool_calls"`
}

func (m *message) content() content {
	c := m.Content
	c.add(m.Reasoning)
	c.add(m.Output)
	c.add(m.Arguments)
	c.tokens += countJSON(m.ToolCalls)
	return c
}

// content is what a message's content consists of. It reads a string, a part
// or a list of parts, of OpenAI's and of Anthropic's kinds.
type content struct {
	tokens, images, audio int64
}

func (c *content) add(o content) {
	c.tokens += o.tokens
	c.images += o.images
	c.audio += o.audio
}

// part is one part of a message's content.
type part struct {
	Type     string         `json:"type"`
	Text     content        `json:"text"`
	Thinking content        `json:"thinking"`
	Content  content        `json:"content"`
	Input    jsontext.Value `json:"input"`
}

// UnmarshalJSONFrom counts while reading, so that no text is kept.
func (c *content) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '"':
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		c.tokens += CountTokens(token.String())
		return nil
	case '[':
		var parts []content
		if err := json.UnmarshalDecode(dec, &parts); err != nil {
			return err
		}
		for i := range parts {
			c.add(parts[i])
		}
		return nil
	case '{':
		var p part
		if err := json.UnmarshalDecode(dec, &p); err != nil {
			return err
		}
		c.addPart(&p)
		return nil
	}
	return dec.SkipValue()
}

func (c *content) addPart(p *part) {
	switch p.Type {
	case "image_url", "input_image", "image":
		c.images++
		return
	case "input_audio", "audio_url":
		c.audio++
		return
	}
	c.add(p.Text)
	c.add(p.Thinking)
	c.add(p.Content)
	c.tokens += countJSON(p.Input)
}

// countJSON counts the tokens of a value's JSON text; null and an empty list
// cost nothing.
func countJSON(v jsontext.Value) int64 {
	if len(v) == 0 || v.Kind() == 'n' || string(v) == "[]" {
		return 0
	}
	return CountTokens(string(v))
}

// countPrompts counts the tokens of each prompt: a string, a list of strings, a
// list of token ids, or a list of such lists.
func countPrompts(v jsontext.Value) ([]int64, error) {
	var counts []int64
	err := eachText(v, func(tokens int64) { counts = append(counts, tokens) })
	return counts, err
}

func eachText(v jsontext.Value, found func(tokens int64)) error {
	switch v.Kind() {
	case '"':
		var text string
		err := json.Unmarshal(v, &text)
		found(CountTokens(text))
		return err
	case '{':
		var p part
		err := json.Unmarshal(v, &p)
		found(p.Text.tokens)
		return err
	case '[':
		return eachElement(v, found)
	}
	return invalid("", "Input should be a string, a list of strings, or token ids")
}

func eachElement(v jsontext.Value, found func(tokens int64)) error {
	var ids []int64
	if json.Unmarshal(v, &ids) == nil && len(ids) > 0 {
		found(int64(len(ids)))
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		element, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := eachText(element, found); err != nil {
			return err
		}
	}
	return nil
}
