package mockvllm

import (
	"strconv"

	"github.com/go-json-experiment/json"
)

// answerTokenize answers /tokenize for a prompt or for messages. The ids of a
// template's own tokens are 0.
func (j *job) answerTokenize() error {
	var ids []int64
	switch {
	case j.model.printsAll:
		counts, err := j.printedInputs()
		if err != nil || len(counts) != 1 {
			return invalid("prompt", "Field required: prompt or messages")
		}
		ids = make([]int64, counts[0])
	case j.body.Messages != nil:
		ids = make([]int64, j.countMessages(j.body.Messages))
	case j.body.Prompt.Kind() == '"':
		var text string
		if err := json.Unmarshal(j.body.Prompt, &text); err != nil {
			return err
		}
		ids = Tokenize(text)
	default:
		return invalid("prompt", "Field required: prompt or messages")
	}
	body := appendCount(nil, `{"count":`, int64(len(ids)))
	body = appendCount(body, `,"max_model_len":`, j.model.contextLength)
	body = append(body, `,"tokens":[`...)
	for i, id := range ids {
		if i > 0 {
			body = append(body, ',')
		}
		body = strconv.AppendInt(body, id, 10)
	}
	return j.writeAnswer(append(body, `],"token_strs":null}`...))
}

func (j *job) answerDetokenize() error {
	if j.body.Tokens == nil {
		return invalid("tokens", "Field required: tokens")
	}
	body := appendString([]byte(`{"prompt":`), Detokenize(j.body.Tokens))
	return j.writeAnswer(append(body, '}'))
}

func (j *job) answerCountTokens() error {
	if j.body.Messages == nil {
		return invalid("messages", "Field required: messages")
	}
	n := j.countMessages(j.body.Messages)
	if j.model.printsAll {
		counts, err := j.printedInputs()
		if err != nil {
			return err
		}
		n = counts[0]
	}
	body := appendCount(nil, `{"input_tokens":`, n)
	body = appendCount(body, `,"context_management":{"original_input_tokens":`, n)
	return j.writeAnswer(append(body, "}}"...))
}
