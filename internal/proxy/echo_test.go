package proxy

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestAnswersThatBeginWithThePrompt: a prompt that is echoed was not generated, so an
// answer that is nearly all prompt costs what the model server tells.
func TestAnswersThatBeginWithThePrompt(t *testing.T) {
	for _, output := range []int64{0, 1, 20} {
		told := fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d}`, words, output)
		whole, events := answerWith(openai.Completions, told)
		want := openai.Usage{Input: words, Output: output}

		x := judging(t, openai.Completions)
		x.request.Echo = true
		a := openai.ReadAnswer([]byte(whole))
		x.answer = []byte(whole)
		if s := x.whole(&a); s.usage != want || s.estimated() {
			t.Errorf("%s: charged %+v, estimated %v", told, s.usage, s.estimated())
		}
		x = judging(t, openai.Completions)
		x.request.Echo = true
		for i, data := range events {
			x.stream.Event(nil, openai.ParseEvent([]byte("data: "+data+"\n\n")))
			if s := x.partial(); s.usage != want || s.estimated() {
				t.Fatalf("%s, streamed, at the event %d: charged %+v, estimated %v", told, i, s.usage, s.estimated())
			}
		}
	}
}

// TestRecordingsInAnswers: what an answer has beside its text is not taken for text
// because the answer is too large to be held.
func TestRecordingsInAnswers(t *testing.T) {
	const message = `{"choices":[{"message":{"content":"hi","audio":{"id":"a","data":%q,"transcript":"hi"}}}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`
	body := fmt.Appendf(nil, message, text+text)
	x := judging(t, openai.ChatCompletions)
	s := &passing{passage: openai.NewPassage(x.endpoint, "")}
	s.passage.Pass(nil, body)
	if c := x.passed(s); c.usage != (openai.Usage{Input: 10, Output: 5}) || c.estimated() {
		t.Errorf("charged %+v, estimated %v", c.usage, c.estimated())
	}
}
