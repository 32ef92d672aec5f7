package request

import (
	"errors"
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestPaddingIsHeldBack: what makes a prompt as long as the context is not passed on, neither
// as a member nor among the arguments of a template.
func TestPaddingIsHeldBack(t *testing.T) {
	for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Embeddings, wire.Messages, wire.CountTokens, wire.Rerank, wire.Score, wire.Tokenize} {
		for member, isHeld := range map[string]bool{
			`"padding":"max_length"`: true,
			`"chat_template_kwargs":{"padding":"max_length","max_length":100000}`:      true,
			`"chat_template_kwargs":{"max_length":100000,"p\u0061dding":"max_length"}`: true,
			`"chat_template_kwargs":{"padding":true}`:                                  true,
			`"chat_template_kwargs":{"padding":false}`:                                 false,
			`"chat_template_kwargs":{"padding":null}`:                                  false,
			`"chat_template_kwargs":{"a":{"padding":"max_length"}}`:                    false,
		} {
			body := fmt.Sprintf(`{"max_tokens":1,%s}`, member)
			_, err := Parse(e, []byte(body), Options{})
			var refused *failure.Error
			if errors.As(err, &refused); (refused != nil) != isHeld || isHeld && refused.Param != "padding" {
				t.Errorf("%s %s: error %v, want one about padding: %v", e, body, err, isHeld)
			}
			parseOK(t, e, body, Options{Models: always{Allow: []string{"padding"}}})
		}
	}
}

// TestPiecesOfPicturesAreHeldBack: SGLang takes beside a picture's address into how many pieces
// it is cut, each of which has hundreds of tokens.
func TestPiecesOfPicturesAreHeldBack(t *testing.T) {
	for _, name := range []string{"max_dynamic_patch", "min_dynamic_patch"} {
		for value, isHeld := range map[string]bool{"40": true, `"40"`: true, "null": false} {
			for _, part := range []string{
				`{"type":"image_url","image_url":{"url":"https://x/y.png",%q:%s}}`,
				`{"image_url":{%q:%s,"url":"https://x/y.png"},"type":"image_url"}`,
				`{"type":"video_url","video_url":{"url":"https://x/y.mp4",%q:%s}}`,
			} {
				body := fmt.Sprintf(`{"messages":[{"role":"user","content":[`+part+`]}]}`, name, value)
				_, err := Parse(wire.ChatCompletions, []byte(body), Options{})
				var refused *failure.Error
				if errors.As(err, &refused); (refused != nil) != isHeld || isHeld && refused.Param != name {
					t.Errorf("%s: error %v, want one about %s: %v", body, err, name, isHeld)
				}
				parseOK(t, wire.ChatCompletions, body, Options{Models: always{Allow: []string{name}}})
			}
		}
	}
}

// TestBytesAreHeldBack: embeddings that come as bytes tell no usage, and so their input would
// be charged as it was estimated.
func TestBytesAreHeldBack(t *testing.T) {
	for value, isHeld := range map[string]bool{
		`"float"`: false, `"base64"`: false, "null": false,
		`"bytes"`: true, `"bytes_only"`: true, `"b\u0079tes"`: true, `"anything"`: true, "1": true,
	} {
		for _, e := range []wire.Endpoint{wire.Embeddings, wire.Score} {
			body := `{"encoding_format":` + value + `}`
			_, err := Parse(e, []byte(body), Options{})
			var refused *failure.Error
			if errors.As(err, &refused); (refused != nil) != isHeld || isHeld && refused.Param != "encoding_format" {
				t.Errorf("%s %s: error %v, want one about encoding_format: %v", e, body, err, isHeld)
			}
			parseOK(t, e, body, Options{Models: always{Allow: []string{"encoding_format"}}})
		}
	}
}

// TestTemplatesAreHeldBack: a chat template of the client's own prints what it likes, so
// none is passed on that the operator has not allowed, on any endpoint and under any
// spelling. What a template is called with is.
func TestTemplatesAreHeldBack(t *testing.T) {
	const loop = `"{% for i in range(90000) %}word {% endfor %}"`
	for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Embeddings, wire.Messages, wire.CountTokens, wire.Rerank, wire.Score, wire.Pooling, wire.Classify, wire.Tokenize} {
		for member, isTemplate := range map[string]bool{
			`"chat_template":` + loop:                                                          true,
			`"chat\u005ftemplate":` + loop:                                                     true,
			`"chat_template_kwargs":{"a":[{}],"chat_template":` + loop + `}`:                   true,
			`"chat_template_kwargs" : { "\u0063hat_template" : {} }`:                           true,
			`"chat_template_kwargs":{"enable_thinking":false,"b":{"chat_template":"default"}}`: false,
			`"chat_template_kwargs":{"chat_template":null}`:                                    false,
			`"chat_template_kwargs":null`:                                                      false,
			`"chat_template_kwargs":"chat_template"`:                                           false,
			`"chat_template":null`:                                                             false,
		} {
			body := fmt.Sprintf(`{"max_tokens":1,%s}`, member)
			_, err := Parse(e, []byte(body), Options{})
			var refused *failure.Error
			if errors.As(err, &refused); (refused != nil) != isTemplate || isTemplate && refused.Param != "chat_template" {
				t.Errorf("%s %s: error %v, want one about chat_template: %v", e, body, err, isTemplate)
			}
			r := parseOK(t, e, body, Options{Models: always{Allow: []string{"chat_template"}}})
			if isTemplate && r.Text.Bytes() == 0 {
				t.Errorf("%s %s: although allowed, nothing counts as input", e, body)
			}
		}
	}
}

// TestEncodingsThatTellNoUsage: an answer of bytes would be charged by its estimate, and
// so is not asked for; what leaves it JSON is passed on without more ado.
func TestEncodingsThatTellNoUsage(t *testing.T) {
	for _, e := range []wire.Endpoint{wire.Embeddings, wire.Pooling, wire.Classify} {
		for value, ok := range map[string]bool{
			`"float"`: true, `"base64"`: true, `"ubinary"`: true, "null": true, ` "float" `: true,
			`"bytes"`: false, `"bytes_only"`: false, `"\u0062ytes"`: false, `"b\u0079tes_only"`: false, `["bytes"]`: false, "1": false,
		} {
			body := `{"input":"hi","encoding_format":` + value + `}`
			r, err := Parse(e, []byte(body), Options{})
			var refused *failure.Error
			if errors.As(err, &refused); (refused == nil) != ok || !ok && refused.Param != "encoding_format" {
				t.Errorf("%s %s: %v", e, body, err)
			}
			if ok && string(r.AppendBody(nil, []byte(body), Patch{})) != body {
				t.Errorf("%s %s is sent as %s", e, body, r.AppendBody(nil, []byte(body), Patch{}))
			}
			if allowed := parseOK(t, e, body, Options{Models: always{Allow: []string{"encoding_format"}}}); string(allowed.AppendBody(nil, []byte(body), Patch{})) != body {
				t.Errorf("%s %s: although allowed, it is not sent", e, body)
			}
		}
	}
}
