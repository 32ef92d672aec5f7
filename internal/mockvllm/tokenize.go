package mockvllm

import (
	"fmt"
	"strconv"
)

// answerTokenize answers /tokenize for a prompt or for messages. The ids of a
// template's own tokens are 0.
func (j *job) answerTokenize() error {
	var ids []int64
	switch {
	case j.model.PrintsAll:
		counts := j.printedInputs()
		if len(counts) != 1 {
			return invalid("prompt", "Field required: prompt or messages")
		}
		ids = make([]int64, counts[0])
	case j.body.Messages != nil:
		ids = make([]int64, j.countMessages(j.body.Messages))
	case j.body.Prompt.Kind() == '"':
		ids = Tokenize(unquoted(j.body.Prompt))
	default:
		return invalid("prompt", "Field required: prompt or messages")
	}
	text := list(len(ids), func(i int) string { return strconv.FormatInt(ids[i], 10) })
	return j.writeAnswer(fmt.Appendf(nil,
		`{"count":%d,"max_model_len":%d,"tokens":[%s],"token_strs":null}`,
		len(ids), j.model.ContextLength, text))
}

func (j *job) answerDetokenize() error {
	if j.body.Tokens == nil {
		return invalid("tokens", "Field required: tokens")
	}
	return j.writeAnswer(fmt.Appendf(nil, `{"prompt":%s}`, quote(Detokenize(j.body.Tokens))))
}

func (j *job) answerCountTokens() error {
	if j.body.Messages == nil {
		return invalid("messages", "Field required: messages")
	}
	n := j.countMessages(j.body.Messages)
	if j.model.PrintsAll {
		n = j.printedInputs()[0]
	}
	return j.writeAnswer(fmt.Appendf(nil,
		`{"input_tokens":%d,"context_management":{"original_input_tokens":%[1]d}}`, n))
}
