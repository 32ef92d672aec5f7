package mockvllm

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The tokens that a chat template adds: to each message, and to open the answer.
const (
	messageTokens = 4
	answerTokens  = 3
)

// The tokens that an image and an audio part cost in the prompt.
const (
	imageTokens = 256
	audioTokens = 64
)

// message is a chat message, or an item of a responses input.
type message struct {
	Content   content        `json:"content"`
	Reasoning content        `json:"reasoning"`
	Output    content        `json:"output"`
	Arguments content        `json:"arguments"`
	ToolCalls jsontext.Value `json:"tool_calls"`
}

// content is what a message's content consists of. It reads a string, a part
// or a list of parts, of OpenAI's and of Anthropic's kinds.
type content struct {
	tokens, images, audio int64
}

func (c *content) add(parts ...content) {
	for _, p := range parts {
		c.tokens += p.tokens
		c.images += p.images
		c.audio += p.audio
	}
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
		var text string
		err := json.UnmarshalDecode(dec, &text)
		c.tokens += CountTokens(text)
		return err
	case '[':
		var parts []content
		err := json.UnmarshalDecode(dec, &parts)
		c.add(parts...)
		return err
	case '{':
		var p part
		err := json.UnmarshalDecode(dec, &p)
		c.addPart(&p)
		return err
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
	c.add(p.Text, p.Thinking, p.Content)
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
	switch v.Kind() {
	case '"':
		return []int64{CountTokens(unquoted(v))}, nil
	case '{':
		var p part
		err := json.Unmarshal(v, &p)
		return []int64{p.Text.tokens}, err
	case '[':
		var ids []int64
		if json.Unmarshal(v, &ids) == nil && len(ids) > 0 {
			return []int64{int64(len(ids))}, nil
		}
		var counts []int64
		for _, e := range elements(v) {
			more, err := countPrompts(e)
			if err != nil {
				return nil, err
			}
			counts = append(counts, more...)
		}
		return counts, nil
	}
	return nil, invalid("", "Input should be a string, a list of strings, or token ids")
}
