package admission

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
)

// TestAnswersThatBeginWithThePrompt: a prompt that is echoed was not generated, so an
// answer that is nearly all prompt costs what the model server tells.
func TestAnswersThatBeginWithThePrompt(t *testing.T) {
	for _, output := range []int64{0, 1, 20} {
		told := fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d}`, words, output)
		whole, events := answerWith(wire.Completions, told)
		want := wire.Usage{Input: words, Output: output}

		x := judging(t, wire.Completions)
		x.request.Call.Echo = true
		if c := x.whole(whole, 0); c.Usage != want || c.Estimated() {
			t.Errorf("%s: charged %+v, estimated %v", told, c.Usage, c.Estimated())
		}
		x = judging(t, wire.Completions)
		x.request.Call.Echo = true
		for i, data := range events {
			if c := x.streamed([]string{data}); c.Usage != want || c.Estimated() {
				t.Fatalf("%s, streamed, at the event %d: charged %+v, estimated %v", told, i, c.Usage, c.Estimated())
			}
		}
	}
}

// TestRecordingsInAnswers: what an answer has beside its text is not taken for text
// because the answer is too large to be held.
func TestRecordingsInAnswers(t *testing.T) {
	const message = `{"choices":[{"message":{"content":"hi","audio":{"id":"a","data":%q,"transcript":"hi"}}}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`
	passage := answer.NewPassage(wire.ChatCompletions, "")
	passage.Pass(nil, fmt.Appendf(nil, message, text+text))
	a := passage.Answer()
	c := judging(t, wire.ChatCompletions).Told(&a, passage.Bytes(), 0, passage.Text)
	if c.Usage != (wire.Usage{Input: 10, Output: 5}) || c.Estimated() {
		t.Errorf("charged %+v, estimated %v", c.Usage, c.Estimated())
	}
}
