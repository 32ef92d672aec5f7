package request

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

func TestParseRequestText(t *testing.T) {
	const user = `{"messages":[{"role":"user","content":`
	for _, tt := range []struct {
		name           string
		e              wire.Endpoint
		body           string
		sure, optional []string
	}{
		{"content", wire.ChatCompletions, user + `"hello 1"}]}`, []string{"hello 1"}, nil},
		{"of the system and of tools", wire.ChatCompletions, `{"messages":[{"role":"system","content":"a"},{"role":"tool","content":"b"}]}`, []string{"a", "b"}, nil},
		{"of assistants and others", wire.ChatCompletions, `{"messages":[{"role":"assistant","content":"a"},{"role":"developer","content":"b"},{"role":"x y","content":"c"},{"content":"d"}]}`,
			nil, []string{"a", "b", "x y", "c", "d"}},
		{"role behind the content", wire.ChatCompletions, `{"messages":[{"content":"a\u002e","role":"user"},{"content":"b","role":"assistant"},{"content":["c"],"role":"user"},` +
			`{"content":"d","role":"user","type":"reasoning"}]}`, []string{"a."}, []string{"b", "c", "d"}},
		{"escapes", wire.ChatCompletions, user + `"\uc548\ub155 \"a\"\n\ud83d\ude00\/"}]}`, []string{"안녕 \"a\"\n😀/"}, nil},
		{"parts", wire.ChatCompletions, user + `[{"type":"text","text":"a"},"b",{"text":"c"},{"type":"refusal","refusal":"d"},{"text":"e","type":"text"},{"type":"x y","text":"f"}]}]}`,
			[]string{"a", "b"}, []string{"c", "d", "e", "x y", "f"}},
		{"content that is no text", wire.ChatCompletions, user + `[12,true,[["a"]],null]},{"role":"user","content":345}]}`, []string{"a"}, []string{"12", "true", "345"}},
		{"messages that are none", wire.ChatCompletions, `{"messages":["a",7,null,{"role":["b"]}]}`, nil, []string{"a", "7", `["b"]`}},
		{"null content", wire.ChatCompletions, `{"messages":[{"role":"assistant","content":null,"refusal":null}]}`, nil, nil},
		{"name", wire.ChatCompletions, user + `"x","name":"Jo"}]}`, []string{"x"}, []string{"Jo"}},
		{"tool calls", wire.ChatCompletions, `{"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}","strict":true}}]},` +
			`{"role":"tool","tool_call_id":"call_1","content":"r"}]}`,
			[]string{"r"}, []string{"call_1", "f", `{"a":1}`, `"strict"`, "true", "call_1"}},
		{"arguments as object", wire.ChatCompletions, `{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":{"k":"\ud55c"}}}]}]}`,
			nil, []string{"f", `{"k":"한"}`}},
		{"reasoning", wire.ChatCompletions, `{"messages":[{"role":"user","reasoning_content":"hm","content":"x"}]}`, []string{"x"}, []string{"hm"}},
		{"tools", wire.ChatCompletions, `{"tools":[{"a":"\ub098","enum":[1,true]}],"messages":[]}`, nil, []string{`[{"a":"나","enum":[1,true]}]`}},
		{"documents", wire.ChatCompletions, `{"documents":[{"text":"d"}],"chat_template_kwargs":null}`, nil, []string{`[{"text":"d"}]`}},
		{"grammars, which a template may show", wire.ChatCompletions, `{"response_format":{"type":"text"},"stop":["s"],"user":"u"}`, nil, []string{`{"type":"text"}`}},
		{"unknown members", wire.ChatCompletions, user + `"c","x":"y","\u007a":{"k":[1,{"deep":false}]}}]}`, []string{"c"}, []string{`"x"`, "y", `"z"`, `{"k":[1,{"deep":false}]}`}},
		{"what clients of Anthropic's write", wire.Messages, `{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},` +
			`{"type":"text","text":"b","cache_control":{"type":"x"}}]}]}`, []string{"a", "b"}, []string{`{"type":"x"}`}},
		{"prompts and suffix", wire.Completions, `{"prompt":["a","b"],"suffix":"c"}`, []string{"a", "b"}, []string{"c", "c"}},
		{"embeddings", wire.Embeddings, `{"input":["a","b"],"dimensions":3}`, []string{"a", "b"}, nil},
		{"what conversations share", wire.Embeddings, `{"messages":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]],"tools":["t"],"chat_template_kwargs":"x"}`,
			[]string{"a", "b"}, []string{`["t"]`, `["t"]`, "x", "x"}},
		{"responses", wire.Responses, `{"instructions":"i","input":[{"role":"user","content":[{"type":"input_text","text":"t"}]},` +
			`{"type":"message","role":"user","content":"m"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"p","annotations":[]}]},` +
			`{"type":"function_call","name":"f","arguments":"{}","call_id":"c"},{"type":"function_call_output","call_id":"c","output":"o"},` +
			`{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"r"}],"encrypted_content":"AAAA"}]}`,
			[]string{"i", "t", "m"}, []string{"p", "f", "{}", "c", "c", "o", "s", "r", `"encrypted_content"`, "AAAA"}},
		{"messages", wire.Messages, `{"max_tokens":1,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[` +
			`{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"AAAA"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r"}]}]}]}`,
			[]string{"s"}, []string{"h", `"signature"`, "AAAA", "t", "f", `{"a":1}`, "t", "r"}},
		{"rerank counts the query for each document", wire.Rerank, `{"documents":["a","b",{"text":"c"}],"query":"q 1"}`,
			[]string{"q 1", "q 1", "q 1", "a", "b"}, []string{"c"}},
		{"rerank without documents", wire.Rerank, `{"query":"q"}`, []string{"q"}, nil},
		{"score one to many", wire.Score, `{"data_1":"q","data_2":["a","b"]}`, []string{"q", "q", "a", "b"}, nil},
		{"score pairs", wire.Score, `{"queries":["q","r"],"items":["a","b"]}`, []string{"q", "r", "a", "b"}, nil},
		{"score parts", wire.Score, `{"text_1":{"content":[{"type":"text","text":"q"}]},"text_2":"a"}`, []string{"a"}, []string{"q"}},
		{"score many to one", wire.Score, `{"text_1":["q","r"],"text_2":"a"}`, []string{"q", "r", "a"}, []string{"a"}},
		{"the parts of a single document", wire.Rerank, `{"query":"q","documents":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}`,
			[]string{"q"}, []string{"q", "a", "b"}},
		{"the parts of one of several documents", wire.Rerank, `{"query":"q","documents":[{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
			[]string{"q"}, []string{"a", "b"}},
		{"two members for the single one", wire.Score, `{"text_1":"q","queries":["r"],"text_2":["a","b"]}`, []string{"q", "r", "a", "b"}, []string{"q", "r"}},
		{"a query of token ids", wire.Score, `{"query":[1,23],"items":["a","b"]}`, []string{"a", "b"}, []string{"1", "23", "1", "23"}},
		{"documents of token ids", wire.Score, `{"query":"q","items":[1,23]}`, []string{"q"}, []string{"q", "1", "23"}},
		{"tokenize", wire.Tokenize, `{"prompt":"p"}`, []string{"p"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := parseOK(t, tt.e, tt.body, Options{})
			all := append(append([]string(nil), tt.sure...), tt.optional...)
			if want := textsOf(all...); !r.Text.Equal(want) {
				t.Errorf("Text = %+v, want that of %q: %+v", r.Text, all, want)
			}
			beside := strings.Contains(tt.body, `"documents":[{`) && tt.e == wire.ChatCompletions || strings.Contains(tt.body, `"suffix"`) ||
				strings.Contains(tt.body, `"response_format"`)
			if (r.Beside > 0) != beside {
				t.Errorf("%d bytes are beside what /tokenize reads, want some: %v", r.Beside, beside)
			}
			if want := textsOf(tt.optional...); !r.Optional.Equal(want) {
				t.Errorf("Optional = %+v, want that of %q: %+v", r.Optional, tt.optional, want)
			}
		})
	}
}

// TestParseRequestTextEscapes compares long escaped texts, which are decoded in
// pieces, with the same texts written plainly.
func TestParseRequestTextEscapes(t *testing.T) {
	plain := strings.Repeat("가나 다x😀\n", 100) + strings.Repeat("long ", 60) + "끝"
	escaped := strings.NewReplacer("가", `\uAC00`, "나", `\ub098`, "다", `\uB2E4`, "😀", `\uD83d\ude00`, "\n", `\n`, "끝", `\ub05d`).Replace(plain)
	for cut := range 260 { // a little more than the buffer
		pad := strings.Repeat("y", cut)
		r := parseOK(t, wire.Completions, `{"prompt":"`+pad+escaped+`"}`, Options{})
		if want := textsOf(pad + plain); !r.Text.Equal(want) {
			t.Fatalf("after %d bytes of plain text: %+v, want %+v", cut, r.Text, want)
		}
	}
}

// tensorsAllowed lets tensors pass, which are held back.
var tensorsAllowed = Options{Models: always{Allow: []string{"image_embeds", "audio_embeds"}}}

func TestParseRequestMedia(t *testing.T) {
	base64Data := strings.Repeat("QUJD", 4000)
	image := `"data:image/png;base64,` + base64Data + `"`
	for _, tt := range []struct {
		name          string
		part          string
		images, audio int64
	}{
		{"image_url", `{"type":"image_url","image_url":{"url":` + image + `}}`, 1, 0},
		{"bare image_url", `{"image_url":` + image + `}`, 1, 0},
		{"input_image", `{"type":"input_image","image_url":` + image + `}`, 1, 0},
		{"Anthropic's", `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + base64Data + `"}}`, 1, 0},
		{"in a tool result", `{"type":"tool_result","content":[{"type":"image","source":{"data":"` + base64Data + `"}}]}`, 1, 0},
		{"embeddings", `{"type":"image_embeds","image_embeds":["` + base64Data + `", "AAAA"]}`, 1, 0},
		{"cached", `{"type":"image_url","image_url":null,"uuid":"u"}`, 1, 0},
		{"a cached video", `{"type":"video_url","video_url":null,"uuid":"u"}`, videoFrames, 0},
		{"a cached video of two names", `{"video_url":null,"image_url":null,"uuid":"u"}`, videoFrames, 0},
		{"a cached recording", `{"type":"audio_url","audio_url":null,"uuid":"u"}`, 0, 1},
		{"cached, of no kind", `{"type":"text","text":"","uuid":"u"}`, 1, 0},
		{"cached and sent", `{"type":"image_url","uuid":"u","image_url":{"url":` + image + `}}`, 1, 0},
		{"null beside text", `{"type":"text","text":"","image_url":null,"uuid":null}`, 0, 0},
		{"video", `{"type":"video_url","video_url":{"url":"https://x/y.mp4"}}`, videoFrames, 0},
		{"video by a long address", `{"type":"video_url","video_url":{"url":"https://x/` + strings.Repeat(",", 100) + `"}}`, videoFrames, 0},
		{"video of a few pictures", `{"type":"video_url","video_url":{"url":"data:video/jpeg;base64,/9j/4AAQ,/9j/4AAQ"}}`, videoFrames, 0},
		{"video of many pictures", `{"type":"video_url","video_url":"DATA:video/jpeg;base64` + strings.Repeat(",/9j/4AAQ", 1000) + `"}`, 1000, 0},
		{"input_audio", `{"type":"input_audio","input_audio":{"data":"` + base64Data + `","format":"mp3"}}`, 0, 1},
		{"audio_url", `{"type":"audio_url","audio_url":{"url":"https://x/y.wav"}}`, 0, 1},
		{"bare audio_url", `{"audio_url":"https://x/y.wav"}`, 0, 1},
		{"audio embeddings", `{"audio_embeds":["` + base64Data + `"]}`, 0, 1},
		{"no type", `{"type":null}`, 0, 0},
		{"no audio", `{"type":"input_audio","input_audio":null}`, 0, 0},
		{"type last", `{"image_url":{"url":` + image + `,"detail":"low"},"type":"image_url"}`, 1, 0},
		{"escaped slashes", `{"type":"image","source":{"type":"base64","data":"iVBO\/QUJD\/QUJD"}}`, 1, 0},
		{"large tensors", `{"type":"image_embeds","image_embeds":"` + strings.Repeat(base64Data, 140) + `"}`, 1 + 2, 0},
	} {
		r := parseOK(t, wire.ChatCompletions, `{"messages":[{"role":"user","content":[`+tt.part+`]}]}`, tensorsAllowed)
		if r.Images != tt.images || r.AudioParts != tt.audio || r.Text.Bytes() != 0 {
			t.Errorf("%s: %d images, %d recordings, %d bytes of text; want %d, %d, 0",
				tt.name, r.Images, r.AudioParts, r.Text.Bytes(), tt.images, tt.audio)
		}
	}
}

// TestTextUnderNamesOfMedia: a name of media makes nothing free. A text counts where
// the part is of another type, or where the value is no reference to media; with another
// type the declared price is added, for servers that go by the name.
func TestTextUnderNamesOfMedia(t *testing.T) {
	words := strings.Repeat("word ", 1000)
	for _, tt := range []struct {
		part          string
		images, audio int64
	}{
		{`{"type":"text","image_url":"%s"}`, 1, 0},
		{`{"type":"text","image_url":{"url":"%s"}}`, 1, 0},
		{`{"image_url":"%s","type":"text"}`, 1, 0},
		{`{"type":"text","source":{"data":"%s"}}`, 1, 0},
		{`{"type":"text","video_url":"%s"}`, videoFrames, 0},
		{`{"type":"text","input_audio":{"data":"%s"}}`, 0, 1},
		{`{"type":"x","image_embeds":["%s"]}`, 1, 0},
		{`{"type":"input_audio","image_url":"%s"}`, 1, 0},
		{`{"type":"image_url","image_url":"%s"}`, 1, 0},
		{`{"type":"image_url","image_url":{"url":"http://h/%s"}}`, 1, 0},
		{`{"type":"image_url","image_url":{"url":"http://h/a.png","detail":"%s"}}`, 1, 0},
		{`{"type":"image_url","image_url":{"url":"http://h/a.png","x":["%s"]}}`, 1, 0},
		{`{"type":"image_url","image_url":{"url":{"url":"%s"}}}`, 1, 0},
		{`{"type":"image_url","image_url":["%s"]}`, 1, 0},
		{`{"type":"image","source":{"type":"base64","media_type":"%s","data":"AAAA"}}`, 1, 0},
		{`{"type":"input_audio","input_audio":{"data":"AAAA","format":"%s"}}`, 0, 1},
		{`{"type":"image_url","image_url":null,"uuid":"%s"}`, 1, 0},
		{`{"type":"image_url","image_url":"http://h/a.png","image":"http://h/a.png","image_pil":"%s"}`, 3, 0},
		{`{"type":"input_file","file_data":"%s"}`, 0, 0},
		{`{"type":"%s"}`, 0, 0},
	} {
		body := `{"messages":[{"role":"user","content":[` + fmt.Sprintf(tt.part, words) + `]}]}`
		r := parseOK(t, wire.ChatCompletions, body, tensorsAllowed)
		if got := r.Text.Bytes(); r.Images != tt.images || r.AudioParts != tt.audio || got < int64(len(words)) || r.Optional.Bytes() != got {
			t.Errorf("%s: %d images, %d recordings, %d bytes of text, %d of them optional; want %d, %d, %d at least, all",
				tt.part, r.Images, r.AudioParts, got, r.Optional.Bytes(), tt.images, tt.audio, len(words))
		}
	}
	data := "data:image/png;base64," + strings.Repeat("QUJD", 100) // no media where the type says text
	for _, part := range []string{`{"type":"text","image_url":"%s"}`, `{"image_url":"%s","type":"text"}`, `{"type":"input_audio","image_url":{"url":"%s"}}`} {
		r := parseOK(t, wire.ChatCompletions, `{"messages":[{"role":"user","content":[`+fmt.Sprintf(part, data)+`]}]}`, Options{})
		if r.Text.Bytes() < int64(len(data)) || r.Images != 1 {
			t.Errorf("%s: %d images, %d bytes of text", part, r.Images, r.Text.Bytes())
		}
	}
	long := `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"http://h/` + strings.Repeat("x", 2*urlMax) + `"}]}]}`
	if r := parseOK(t, wire.ChatCompletions, long, Options{}); r.Text.Bytes() < 2*urlMax {
		t.Errorf("a URL of %d bytes is text of %d", 2*urlMax, r.Text.Bytes())
	}
	if r := parseOK(t, wire.ChatCompletions, `{"image_url":"a b","messages":[{"role":"user","image_url":"c d"}]}`, Options{}); r.Text.Bytes() == 0 {
		t.Error("an image_url beside the role is free")
	}
}

// TestMediaNeedsItsType: base64 is media in a part that says so, and without a type only
// where vLLM takes it so: under its own names, in the content of a message. Anywhere else
// a template may print it, and it counts as text and as media.
func TestMediaNeedsItsType(t *testing.T) {
	data := strings.Repeat("QUJD", 4000)
	for _, tt := range []struct {
		e      wire.Endpoint
		body   string
		isText bool
	}{
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"image_url":"data:image/png;base64,%s"}]}]}`, false},
		{wire.Embeddings, `{"messages":[{"role":"user","content":[{"input_audio":{"data":"%s"}}]}]}`, false},
		{wire.Messages, `{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"data":"%s"}}]}]}`, false},
		{wire.Rerank, `{"query":"q","documents":[{"type":"image_url","image_url":"data:image/png;base64,%s"}]}`, false},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"image":"%s"}]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"source":{"data":"%s"}}]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"type":7,"input_audio":{"data":"%s"}}]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"type":"message","input_audio":{"data":"%s"}}]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":[[{"input_audio":{"data":"%s"}}]]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":{"input_audio":{"data":"%s"}}}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":"hi","image_url":"data:image/png;base64,%s"}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":"hi","source":"%s"}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":"hi","image":"%s"}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":"hi","input_audio":{"data":"%s"}}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"user","content":"hi","image_embeds":["%s"]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"assistant","tool_calls":[{"id":"x","source":"%s"}]}]}`, true},
		{wire.ChatCompletions, `{"messages":[{"role":"assistant","tool_calls":[{"function":{"input_audio":{"data":"%s"}}}]}]}`, true},
		{wire.Responses, `{"input":[{"type":"message","role":"user","content":"hi","source":"%s"}]}`, true},
		{wire.Responses, `{"input":[{"role":"user","content":[{"input_audio":{"data":"%s"}}]}]}`, true},
		{wire.Messages, `{"max_tokens":1,"messages":[{"role":"user","content":[{"source":{"data":"%s"}}]}]}`, true},
		{wire.Embeddings, `{"input":[{"role":"user","content":"hi","source":"%s"}]}`, true},
		{wire.Rerank, `{"query":"q","documents":[{"text":"a","source":"%s"}]}`, true},
		{wire.Score, `{"text_1":"a","text_2":{"content":[{"image_url":"data:image/png;base64,%s"}]}}`, true},
	} {
		r := parseOK(t, tt.e, fmt.Sprintf(tt.body, data), tensorsAllowed)
		if got := r.Optional.Bytes() >= int64(len(data)); got != tt.isText || r.Images+r.AudioParts != 1 {
			t.Errorf("%s %s: %d bytes of text, %d images, %d recordings; want text: %v, and one", tt.e, tt.body, r.Optional.Bytes(), r.Images, r.AudioParts, tt.isText)
		}
	}
}

// TestEveryStringCounts: wherever in a message a text stands, under whatever name, and
// however deep, it counts.
func TestEveryStringCounts(t *testing.T) {
	secret := strings.Repeat("xyz zy ", 50)
	names := []string{"role", "content", "type", "text", "name", "tool_calls", "tool_call_id", "id", "call_id", "tool_use_id", "function", "function_call",
		"arguments", "input", "parameters", "output", "summary", "refusal", "thinking", "reasoning", "reasoning_content", "status", "annotations",
		"logprobs", "cache_control", "uuid", "image_url", "image", "image_pil", "image_embeds", "source", "video_url", "video", "input_audio", "audio_url",
		"audio_embeds", "data", "url", "detail", "format", "media_type", "documents", "anything", ""}
	shapes := []string{`"%s"`, `["%s"]`, `[["%s"]]`, `{"%s":1}`, `{"text":"%s"}`, `{"content":[{"y":"%s"}]}`, `{"a":{"b":[{"c":"%s"}]}}`, `{"content":{"%s":{}}}`}
	for _, outer := range []string{`{%s}`, `{"role":"user","content":[{%s}]}`, `{"role":"user","content":[{"type":"text",%s}]}`, `{"tool_calls":[{"function":{%s}}]}`,
		`{"type":"function_call_output","output":[{%s}]}`, `{"role":"user","x":{%s}}`} {
		for _, name := range names {
			for _, shape := range shapes {
				member := fmt.Sprintf("%q:", name) + fmt.Sprintf(shape, secret)
				if strings.Contains(outer, `"type"`) && name == "type" || strings.HasPrefix(outer, `{"role"`) && strings.HasPrefix(name, "role") && outer[1] == '%' {
					continue // would be there twice
				}
				message := fmt.Sprintf(outer, member)
				for e, body := range map[wire.Endpoint]string{wire.ChatCompletions: `{"messages":[%s]}`, wire.Responses: `{"input":[%s]}`, wire.Embeddings: `{"messages":[%s]}`,
					wire.Messages: `{"max_tokens":1,"messages":[%s]}`, wire.Score: `{"text_1":[%s],"text_2":"b"}`} {
					r := parseOK(t, e, fmt.Sprintf(body, message), tensorsAllowed)
					if r.Text.Bytes() < int64(len(secret)) {
						t.Errorf("%s: %s: %d bytes of text, want %d at least", e, message, r.Text.Bytes(), len(secret))
					}
				}
			}
		}
	}
}

// TestPrintedJSONIsBounded: what a template prints as JSON is longer than what is in it, by its
// escapes and, where it has lines of their own, by its structure.
func TestPrintedJSONIsBounded(t *testing.T) {
	const plain = `{"messages":[{"role":"user","content":"aaaaaa"}],"tools":["aaaaaa"]}`
	words := parseOK(t, wire.ChatCompletions, plain, Options{}).Words
	for _, tt := range []struct {
		text       string
		more, tool int64 // bytes of a text, and of a tool
	}{
		{`aaaaaa`, 0, 0},
		{`\uc548\u00e9\ud83d\ude42\/\u007f`, 0, 0},
		{`\u0001`, 5, 5}, {`\u001fa\u0000`, 10, 10}, {`\"\\`, 2, 2}, {`\n\r\t\b\f`, 5, 5}, {`\u000a\u0022`, 2, 2},
		{`[[{}]],:`, 0, 16},
	} {
		body := strings.Replace(plain, `"aaaaaa"}`, `"`+tt.text+`"}`, 1)
		if got := parseOK(t, wire.ChatCompletions, body, Options{}).Words - words; got != tt.more {
			t.Errorf("%s as text: %d bytes more, want %d", tt.text, got, tt.more)
		}
		body = strings.Replace(plain, `["aaaaaa"]`, `["`+tt.text+`"]`, 1)
		if got := parseOK(t, wire.ChatCompletions, body, Options{}).Words - words; got != tt.tool {
			t.Errorf("%s in a tool: %d bytes more, want %d", tt.text, got, tt.tool)
		}
		body = strings.Replace(body, `"tools"`, `"documents"`, 1)
		if r := parseOK(t, wire.ChatCompletions, body, Options{}); r.Beside != r.Optional.Bytes()+4+tt.tool {
			t.Errorf("%s in a document: %d bytes are beside a question, of %d and %d", tt.text, r.Beside, r.Optional.Bytes(), tt.tool)
		}
	}
}

func TestAudioSeconds(t *testing.T) {
	// wav returns three seconds of 16 kHz and 16 bits.
	wav := func(format uint16, byteRate uint32) []byte {
		b := make([]byte, 44+3*32000)
		copy(b, "RIFF....WAVEfmt ")
		binary.LittleEndian.PutUint16(b[20:], format)
		b[22], b[32], b[34] = 1, 2, 16
		binary.LittleEndian.PutUint32(b[24:], 16000)
		binary.LittleEndian.PutUint32(b[28:], byteRate)
		return b
	}
	noBlock := wav(wavPCM, 32000)
	noBlock[32] = 0
	nothing := wav(wavPCM, 32000)
	nothing[32], nothing[34] = 0, 0
	slow := wav(wavPCM, 32000) // 250 Hz
	binary.LittleEndian.PutUint32(slow[24:], 250)
	wide := wav(wavPCM, 32000)
	wide[32], wide[33] = 0xff, 0xff
	encode := base64.StdEncoding.EncodeToString
	for _, tt := range []struct {
		name, data string
		want       float64
	}{
		{"wav", encode(wav(wavPCM, 32000)), 3},
		{"wav whose header has another byte rate", encode(wav(wavPCM, 3*32000)), 3},
		{"wav that claims one byte a second", encode(wav(wavPCM, 1)), 3},
		{"floats of another byte rate", encode(wav(wavFloat, math.MaxUint32)), 3},
		{"an extensible format of another byte rate", encode(wav(wavExtensible, math.MaxUint32)), 3},
		{"a compressed format", encode(wav(0x31, math.MaxUint32)), (44 + 3*32000.0) / compressedRate},
		{"no size of a block", encode(noBlock), 3},
		{"no size at all", encode(nothing), (44 + 3*32000.0) / compressedRate},
		{"few samples a second", encode(slow), 192},
		{"a wrong size of a block", encode(wide), 3},
		{"wav as data URL", "data:audio/wav;base64," + encode(wav(wavPCM, 32000)), 3},
		{"wav as data URL in another case", "Data:x://y;base64," + encode(wav(wavPCM, 32000)), 3},
		{"data that begins like a URL", "://u" + encode(make([]byte, 2*compressedRate)), 2},
		{"mp3", encode(make([]byte, 2*compressedRate)), 2},
		{"URL", "https://example.com/a.wav", 0},
		{"empty", "", 0},
		{"data URL without data", "data:audio/wav", 0},
		{"no base64", "!!!!", 3.0 / compressedRate},
	} {
		if got := audioSeconds([]byte(tt.data)); math.Abs(got-tt.want) > 0.001 {
			t.Errorf("%s: %v s, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAddTimes(t *testing.T) {
	one := Content{Text: textsOf("a b"), Optional: textsOf("한"), Words: 7, Messages: 1, TokenIDs: 2, Images: 3, AudioParts: 4, AudioTimed: 2, AudioSeconds: 5}
	for n := range int64(20) {
		var got, want Content
		got.add(&one, n)
		for range n {
			want.add(&one, 1)
		}
		if got != want {
			t.Errorf("%d times: %+v, want %+v", n, got, want)
		}
	}
}
