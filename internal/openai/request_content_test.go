package openai

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestParseRequestText(t *testing.T) {
	const user = `{"messages":[{"role":"user","content":`
	for _, tt := range []struct {
		name           string
		e              Endpoint
		body           string
		sure, optional []string
	}{
		{"content", ChatCompletions, user + `"hello 1"}]}`, []string{"hello 1"}, nil},
		{"escapes", ChatCompletions, user + `"\uc548\ub155 \"a\"\n\ud83d\ude00\/"}]}`, []string{"안녕 \"a\"\n😀/"}, nil},
		{"parts", ChatCompletions, user + `[{"type":"text","text":"a"},"b",{"text":"c"},{"type":"refusal","refusal":"d"}]}]}`,
			[]string{"a", "b", "c", "d"}, nil},
		{"null content", ChatCompletions, `{"messages":[{"role":"assistant","content":null,"refusal":null}]}`, nil, nil},
		{"name", ChatCompletions, `{"messages":[{"role":"user","name":"Jo","content":"x"}]}`, []string{"Jo", "x"}, nil},
		{"tool calls", ChatCompletions, `{"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}]}`,
			[]string{"f", `{"a":1}`}, nil},
		{"arguments as object", ChatCompletions, `{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":{"k":"\ud55c"}}}]}]}`,
			[]string{"f", `{"k":"한"}`}, nil},
		{"reasoning", ChatCompletions, `{"messages":[{"role":"assistant","reasoning_content":"hm","content":"x"}]}`, []string{"x"}, []string{"hm"}},
		{"tools", ChatCompletions, `{"tools":[{"a":"\ub098"}],"messages":[]}`, nil, []string{`[{"a":"나"}]`}},
		{"documents", ChatCompletions, `{"documents":[{"text":"d"}],"chat_template_kwargs":null}`, nil, []string{`[{"text":"d"}]`}},
		{"grammars, which a template may show", ChatCompletions, `{"response_format":{"type":"text"},"stop":["s"],"user":"u"}`, nil, []string{`{"type":"text"}`}},
		{"unknown members", ChatCompletions, `{"x":"y","messages":[{"x":"y","content":"c"}]}`, []string{"c"}, nil},
		{"prompts and suffix", Completions, `{"prompt":["a","b"],"suffix":"c"}`, []string{"a", "b", "c"}, nil},
		{"embeddings", Embeddings, `{"input":["a","b"],"dimensions":3}`, []string{"a", "b"}, nil},
		{"responses", Responses, `{"instructions":"i","input":[{"role":"user","content":[{"type":"input_text","text":"t"}]},` +
			`{"type":"function_call","name":"f","arguments":"{}","call_id":"c"},{"type":"function_call_output","call_id":"c","output":"o"},` +
			`{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"AAAA"}]}`,
			[]string{"i", "t", "f", "{}", "o", "s"}, nil},
		{"messages", Messages, `{"max_tokens":1,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[` +
			`{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"AAAA"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r"}]}]}]}`,
			[]string{"s", "h", "f", `{"a":1}`, "r"}, nil},
		{"rerank counts the query for each document", Rerank, `{"documents":["a","b",{"text":"c"}],"query":"q 1"}`,
			[]string{"q 1", "q 1", "q 1", "a", "b", "c"}, nil},
		{"rerank without documents", Rerank, `{"query":"q"}`, []string{"q"}, nil},
		{"score one to many", Score, `{"data_1":"q","data_2":["a","b"]}`, []string{"q", "q", "a", "b"}, nil},
		{"score pairs", Score, `{"queries":["q","r"],"items":["a","b"]}`, []string{"q", "r", "a", "b"}, nil},
		{"score parts", Score, `{"text_1":{"content":[{"type":"text","text":"q"}]},"text_2":"a"}`, []string{"q", "a"}, nil},
		{"tokenize", Tokenize, `{"prompt":"p"}`, []string{"p"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := parseOK(t, tt.e, tt.body, ParseOptions{})
			all := append(append([]string(nil), tt.sure...), tt.optional...)
			if want := textsOf(all...); !r.Text.Equal(want) {
				t.Errorf("Text = %+v, want that of %q: %+v", r.Text, all, want)
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
		r := parseOK(t, Completions, `{"prompt":"`+pad+escaped+`"}`, ParseOptions{})
		if want := textsOf(pad + plain); !r.Text.Equal(want) {
			t.Fatalf("after %d bytes of plain text: %+v, want %+v", cut, r.Text, want)
		}
	}
}

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
		{"embeddings", `{"type":"image_embeds","image_embeds":{"a":"` + base64Data + `"}}`, 1, 0},
		{"cached", `{"type":"image_url","image_url":null,"uuid":"u"}`, 1, 0},
		{"cached and sent", `{"type":"image_url","uuid":"u","image_url":{"url":` + image + `}}`, 1, 0},
		{"null beside text", `{"type":"text","text":"","image_url":null,"uuid":null}`, 0, 0},
		{"video", `{"type":"video_url","video_url":{"url":"https://x/y.mp4"}}`, videoFrames, 0},
		{"input_audio", `{"type":"input_audio","input_audio":{"data":"` + base64Data + `","format":"mp3"}}`, 0, 1},
		{"audio_url", `{"type":"audio_url","audio_url":{"url":"https://x/y.wav"}}`, 0, 1},
		{"bare audio_url", `{"audio_url":"https://x/y.wav"}`, 0, 1},
		{"audio embeddings", `{"audio_embeds":["` + base64Data + `"]}`, 0, 1},
		{"no type", `{"type":null}`, 0, 0},
		{"no audio", `{"type":"input_audio","input_audio":null}`, 0, 0},
		{"unknown", `{"type":"input_file","file_data":` + image + `}`, 0, 0},
	} {
		r := parseOK(t, ChatCompletions, `{"messages":[{"role":"user","content":[`+tt.part+`]}]}`, ParseOptions{})
		if r.Images != tt.images || r.AudioParts != tt.audio || r.Text.Bytes() != 0 {
			t.Errorf("%s: %d images, %d recordings, %d bytes of text; want %d, %d, 0",
				tt.name, r.Images, r.AudioParts, r.Text.Bytes(), tt.images, tt.audio)
		}
	}
}

func TestAudioSeconds(t *testing.T) {
	wav := make([]byte, 44+3*32000)
	copy(wav, "RIFF....WAVEfmt ")
	binary.LittleEndian.PutUint32(wav[28:], 32000)
	slow := append([]byte(nil), wav...)
	binary.LittleEndian.PutUint32(slow[28:], 1)
	encode := base64.StdEncoding.EncodeToString
	for _, tt := range []struct {
		name, data string
		want       float64
	}{
		{"wav", encode(wav), 3},
		{"wav as data URL", "data:audio/wav;base64," + encode(wav), 3},
		{"wav that claims one byte a second", encode(slow), float64(len(slow)) / compressedRate},
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
	one := content{text: textsOf("a b"), optional: textsOf("한"), messages: 1, tokenIDs: 2, images: 3, audioParts: 4, audioSeconds: 5}
	for n := range int64(20) {
		var got, want content
		got.addTimes(one, n)
		for range n {
			want.add(&one)
		}
		if got != want {
			t.Errorf("%d times: %+v, want %+v", n, got, want)
		}
	}
}
