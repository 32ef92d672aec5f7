package request

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

const smallChat = `{"model":"llama2-7b","messages":[{"role":"system","content":"You are a helpful assistant."},` +
	`{"role":"user","content":"Write a short poem about the sea and the wind, in four lines please."}],` +
	`"max_tokens":128,"temperature":0.7,"stream":true,"stream_options":{"include_usage":true},"user":"user123"}`

func BenchmarkParseRequest(b *testing.B) {
	chat := func(content string) string {
		return `{"model":"m","messages":[{"role":"user","content":"` + content + `"}]}`
	}
	for _, bb := range []struct{ name, body string }{
		{"Small", smallChat},
		{"Question", chat("How many tokens are in this sentence?")},
		{"QuestionKorean", chat("이 문장에는 토큰이 몇 개나 들어 있나요? 짧게 대답해 주세요.")},
		{"Korean100kB", chat(strings.Repeat("안녕하세요 여러분, ", 4000))},
		{"English100kB", chat(strings.Repeat("The quick brown fox, 42 times.\\n", 3200))},
		{"Turns", `{"messages":[` + strings.Repeat(`{"role":"user","content":"And then?"},{"role":"assistant","content":"Then it rained."},`, 300) +
			`{"role":"user","content":"Thank you."}]}`},
		{"English1MB", chat(strings.Repeat("The quick brown fox, 42 times.\\n", 1<<15))},
		{"Korean1MB", chat(strings.Repeat("안녕하세요 여러분, ", 40000))},
		{"EscapedKorean1MB", chat(strings.Repeat(`\uc548\ub155\ud558\uc138\uc694 `, 33000))},
		{"Image1MB", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` +
			strings.Repeat("QUJD", 1<<18) + `"}}]}]}`},
		{"Tools", `{"messages":[],"tools":[` + strings.Repeat(`{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string","description":"the first one"}}}}},`, 5000) + `{}]}`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			body := []byte(bb.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(wire.ChatCompletions, body, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendBody(b *testing.B) {
	body := []byte(smallChat)
	r, err := Parse(wire.ChatCompletions, body, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = r.AppendBody(dst[:0], body, Patch{Model: "meta-llama/Llama-2-7b", ForceUsage: true, OutputCap: 64})
	}
}
