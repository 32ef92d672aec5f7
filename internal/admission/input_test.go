package admission

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
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
		doubt        Doubt
	}{
		{"as many as there must be", "15", least, words, 15, NoDoubt},
		{"more", "4000", least, words, 4000, NoDoubt},
		{"one less", "14", least, words, inputEstimate, Implausible},
		{"one", "1", least, words, inputEstimate, Implausible},
		{"none", "0", least, words, inputEstimate, Implausible},
		{"none, of a server that does not count", "0", least, 0, 0, NoDoubt},
		{"the context, of more", "4096", contextLength + 1, words, contextLength, NoDoubt},
		{"not told", "null", least, words, inputEstimate, Untold},
	} {
		for _, e := range generating {
			input, output := "input_tokens", "output_tokens"
			if e == wire.ChatCompletions || e == wire.Completions {
				input, output = "prompt_tokens", "completion_tokens"
			}
			told := fmt.Sprintf(`{%q:%s,%q:%d}`, input, tt.told, output, tt.output)
			whole, events := answerWith(e, told)
			check := func(how string, c Cost) {
				t.Helper()
				if c.Usage.Input != tt.want || c.Doubt != tt.doubt {
					t.Errorf("%s: %v, %s: %d tokens of input with the doubt %d, want %d with %d", tt.name, e, how, c.Usage.Input, c.Doubt, tt.want, tt.doubt)
				}
			}
			x := judging(t, e)
			x.inputMin = tt.least
			check("whole", x.whole(whole, 0))

			x = judging(t, e)
			x.inputMin = tt.least
			check("streamed", x.streamed(events))
		}
	}
}
