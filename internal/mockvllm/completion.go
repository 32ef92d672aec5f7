package mockvllm

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
)

// completion writes answers of /v1/completions, after vLLM's
// CompletionStreamResponse and CompletionResponse.
type completion struct{ chunks }

func (c *completion) open(*eventStream) {}

func (c *completion) token(out *eventStream, t token) {
	finish := "null"
	if t.last {
		finish = `"` + t.sequence.finish + `"`
	}
	out.send("", c.head, `{"index":`, strconv.Itoa(t.sequence.choice),
		`,"text":"`, c.job.text(t.sequence, t.first, t.index+1),
		`","logprobs":`, c.logprobs(t.sequence, t.first, t.index+1), `,"finish_reason":`, finish,
		`,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]`, c.running(t), "}")
}

func (c *completion) answer() []byte {
	choices := c.job.choices()
	texts := list(len(choices), func(i int) string {
		s := choices[i]
		return fmt.Sprintf(`{"index":%d,"text":"%s","logprobs":%s,"finish_reason":"%s",`+
			`"stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null}`,
			s.choice, c.job.text(s, 0, s.tokens), c.logprobs(s, 0, s.tokens), s.finish)
	})
	return fmt.Appendf(nil, `%s%s],"service_tier":null,"system_fingerprint":null%s,`+
		`"kv_transfer_params":null}`, c.head, texts, c.job.usage(c.job.total(), nullDetails))
}

// logprobs returns the log probabilities of tokens first to end, all the same, if the
// request wants them.
func (c *completion) logprobs(s *sequence, first, end int64) string {
	if !c.job.body.wantsLogprobs() || first < 0 {
		return "null"
	}
	var l struct {
		Offsets  []int                `json:"text_offset"`
		Logprobs []float64            `json:"token_logprobs"`
		Tokens   []string             `json:"tokens"`
		Tops     []map[string]float64 `json:"top_logprobs"`
	}
	offset := len(c.job.text(s, 0, first))
	for i := first; i < end; i++ {
		piece := c.job.text(s, i, i+1)
		l.Offsets = append(l.Offsets, offset)
		l.Logprobs = append(l.Logprobs, -0.5)
		l.Tokens = append(l.Tokens, piece)
		l.Tops = append(l.Tops, map[string]float64{piece: -0.5})
		offset += len(piece)
	}
	text, _ := json.Marshal(&l) // it can be
	return string(text)
}
