package proxy

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestInputIsNoLessThanItsText: a model server that tells fewer tokens of input than the
// prompt must have is not believed, and the estimate is charged; but one that counts nothing
// at all is, and one that has cut down what is longer than its context.
func TestInputIsNoLessThanItsText(t *testing.T) {
	const least = 15
	for _, tt := range []struct {
		name         string
		told         string // of the input
		least        int64
		output, want int64
		doubt        doubt
	}{
		{"as many as there must be", "15", least, words, 15, noDoubt},
		{"more", "4000", least, words, 4000, noDoubt},
		{"one less", "14", least, words, inputEstimate, implausible},
		{"one", "1", least, words, inputEstimate, implausible},
		{"none", "0", least, words, inputEstimate, implausible},
		{"none, of a server that does not count", "0", least, 0, 0, noDoubt},
		{"the context, of more", "4096", contextLength + 1, words, contextLength, noDoubt},
		{"not told", "null", least, words, inputEstimate, untold},
	} {
		for _, e := range generating {
			input, output := "input_tokens", "output_tokens"
			if e == openai.ChatCompletions || e == openai.Completions {
				input, output = "prompt_tokens", "completion_tokens"
			}
			told := fmt.Sprintf(`{%q:%s,%q:%d}`, input, tt.told, output, tt.output)
			whole, events := answerWith(e, told)
			check := func(how string, s spent) {
				t.Helper()
				if s.usage.Input != tt.want || s.doubt != tt.doubt {
					t.Errorf("%s: %v, %s: %d tokens of input with the doubt %d, want %d with %d", tt.name, e, how, s.usage.Input, s.doubt, tt.want, tt.doubt)
				}
			}
			x := judging(t, e)
			x.inputMin, x.answer = tt.least, []byte(whole)
			a := openai.ReadAnswer(x.answer)
			check("whole", x.whole(&a))

			x = judging(t, e)
			x.inputMin = tt.least
			for _, data := range events {
				x.stream.Event(nil, openai.ParseEvent([]byte("data: "+data+"\n\n")))
			}
			check("streamed", x.partial())
		}
	}
}
