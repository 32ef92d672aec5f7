package mockvllm

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// chunks is what both of OpenAI's completions endpoints have in common.
type chunks struct {
	job               *job
	final, continuous bool
	head              string // an object up to its choices
}

func newChunks(j *job, prefix, object string) chunks {
	c := chunks{job: j}
	c.final, c.continuous = j.tells()
	c.head = fmt.Sprintf(`{"id":%s,"object":"%s","created":%d,"model":%s,"choices":[`,
		quote(prefix+j.id), object, j.created, j.model.quoted)
	return c
}

// running returns the usage of a token's choice so far, if it is told, or what else
// stands there.
func (c *chunks) running(t token) string {
	nulls := c.job.behavior.NullUsage && c.job.endpoint == wire.Completions
	switch {
	case c.continuous && nulls:
		return c.job.usage(c.job.tell(t), nullDetails)
	case c.continuous:
		return c.job.usage(c.job.tell(t), "")
	case nulls:
		return `,"usage":null`
	}
	return ""
}

func (c *chunks) end(out *eventStream) {
	if c.final {
		c.job.tellFinal()
		out.send("", c.head+"]"+c.job.usage(c.job.total(), "")+"}")
	}
	out.end(event{data: "[DONE]"}, event{data: `{"object":"chat.completion.chunk","choices":[` +
		`{"index":0,"delta":{"content":"beyond "},"text":"beyond ","finish_reason":null}]}`})
}

// chat writes answers of /v1/chat/completions. Which members are there and
// which are null follows vLLM's ChatCompletionStreamResponse, written without
// the members that were never set, and ChatCompletionResponse, written whole.
type chat struct{ chunks }

func (c *chat) open(out *eventStream) {
	for _, s := range c.job.choices() {
		out.send("", c.head+`{"index":`+strconv.Itoa(s.choice)+
			`,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`+
			c.running(token{sequence: s, index: -1})+`,"prompt_token_ids":null}`)
	}
}

func (c *chat) token(out *eventStream, t token) {
	finish := "null"
	if t.last {
		finish = `"` + c.finish(t.sequence) + `","stop_reason":null`
	}
	out.send("", c.head, `{"index":`, strconv.Itoa(t.sequence.choice), `,"delta":{`, c.delta(t),
		`},"logprobs":`, c.logprobs(t.sequence, t.first, t.index+1), `,"finish_reason":`, finish,
		`,"token_ids":null}]`, c.running(t), "}")
}

func (c *chat) delta(t token) string {
	j := c.job
	switch {
	case t.index < 0:
		return `"content":""`
	case j.behavior.ToolCall:
		return c.toolDelta(t)
	case t.index < j.behavior.ReasoningTokens:
		return `"reasoning":"` + j.text(t.sequence, t.first, t.index+1) + `"`
	}
	start := j.behavior.ReasoningTokens
	return `"content":"` + j.content(t.sequence, start, t.first, t.index+1) + `"`
}

func (c *chat) toolDelta(t token) string {
	arguments := c.job.arguments(t.sequence, t.first, t.index+1)
	if t.first > 0 {
		return `"tool_calls":[{"index":0,"function":{"arguments":"` + arguments + `"}}]`
	}
	return fmt.Sprintf(`"tool_calls":[{"id":%s,"type":"function","index":0,`+
		`"function":{"name":%s,"arguments":"%s"}}]`,
		c.toolID(t.sequence), quote(c.job.body.toolName()), arguments)
}

func (c *chat) toolID(s *sequence) string {
	return quote(fmt.Sprintf("chatcmpl-tool-%s-%d", c.job.id, s.choice))
}

func (c *chat) finish(s *sequence) string {
	if c.job.behavior.ToolCall && s.finish == "stop" {
		return "tool_calls"
	}
	return s.finish
}

func (c *chat) answer() []byte {
	choices := c.job.choices()
	return fmt.Appendf(nil, `%s%s],"service_tier":null,"system_fingerprint":null%s,`+
		`"prompt_logprobs":null,"prompt_token_ids":null,"kv_transfer_params":null}`,
		c.head, list(len(choices), func(i int) string { return c.choice(choices[i]) }),
		c.job.usage(c.job.total(), nullDetails))
}

func (c *chat) choice(s *sequence) string {
	j := c.job
	content, reasoning, calls := "null", "null", ""
	if j.behavior.ToolCall {
		calls = fmt.Sprintf(`{"id":%s,"type":"function","function":{"name":%s,"arguments":"%s"}}`,
			c.toolID(s), quote(j.body.toolName()), j.arguments(s, 0, s.tokens))
	} else {
		reasoned := min(j.behavior.ReasoningTokens, s.tokens)
		content = `"` + j.content(s, reasoned, reasoned, s.tokens) + `"`
		if reasoned > 0 {
			reasoning = `"` + j.text(s, 0, reasoned) + `"`
		}
	}
	return fmt.Sprintf(`{"index":%d,"message":{"role":"assistant","content":%s,"refusal":null,`+
		`"annotations":null,"audio":null,"function_call":null,"tool_calls":[%s],"reasoning":%s},`+
		`"logprobs":%s,"finish_reason":"%s","stop_reason":null,"token_ids":null}`,
		s.choice, content, calls, reasoning, c.logprobs(s, 0, s.tokens), c.finish(s))
}

// topLogprobsMax is the most alternatives that vLLM tells by default.
const topLogprobsMax = 20

// logprob is the log probability of a token, or of an alternative to it.
type logprob struct {
	Token   string    `json:"token"`
	Logprob float64   `json:"logprob"`
	Bytes   []int     `json:"bytes"`
	Top     []logprob `json:"top_logprobs,omitzero"`
}

// logprobs returns the log probabilities of tokens first to end, all the same, if the
// request wants them.
func (c *chat) logprobs(s *sequence, first, end int64) string {
	if !c.job.body.wantsLogprobs() || first < 0 {
		return "null"
	}
	var l struct {
		Content []logprob `json:"content"`
	}
	for i := first; i < end; i++ {
		p := c.logprob(s, i, 0)
		p.Top = []logprob{}
		for rank := range min(c.job.body.TopLogprobs, topLogprobsMax) {
			p.Top = append(p.Top, c.logprob(s, i, rank))
		}
		l.Content = append(l.Content, p)
	}
	text, _ := json.Marshal(&l) // it can be
	return string(text)
}

// logprob returns the log probability of token i, or that of the rank-th alternative
// to it, which no other rank has.
func (c *chat) logprob(s *sequence, i, rank int64) logprob {
	piece := appendPiece(nil, &c.job.behavior, s.choice+int(rank)*sequencesMax, i)
	p := logprob{Token: string(piece), Logprob: -0.5 - float64(rank)}
	for _, b := range piece {
		p.Bytes = append(p.Bytes, int(b))
	}
	return p
}
