package apptest

import "strings"

// Attacker is the user of [Attacks], to be replaced by the name of one.
const Attacker = "ATTACKER"

// Attacks returns bodies with so many words in one place each, by the path that they
// are for: under names that were free once, and others like them. Each is for [Model] and
// an answer of one token; its user is [Attacker], for the stand-in's ledger.
func Attacks(words int) map[string][]string {
	w := strings.Repeat("hello world ", words/2)
	of := func(opening, closing string, shapes ...string) (bodies []string) {
		for _, s := range shapes {
			bodies = append(bodies, `{"model":"`+Model+`","user":"`+Attacker+`",`+opening+strings.ReplaceAll(s, "$", w)+closing)
		}
		return bodies
	}
	inMessage := []string{
		`{"role":"$","content":"hi"}`, `{"role":"user","content":"hi","name":"$"}`, `{"role":"tool","content":"hi","tool_call_id":"$"}`,
		`{"role":"user","content":"hi","anything":"$"}`, `{"role":"user","content":"hi","anything":{"deep":[{"er":"$"}]}}`,
		`{"role":"user","content":"hi","$":1}`, `{"role":"assistant","content":"hi","reasoning_content":"$"}`,
		`{"role":"assistant","content":"hi","tool_calls":[{"id":"$","type":"function","function":{"name":"f","arguments":"{}"}}]}`,
		`{"role":"assistant","content":"hi","tool_calls":[{"id":"c","type":"$","function":{"name":"f","arguments":"{}","anything":"$"}}]}`,
		`{"role":"user","content":[{"type":"text","text":"hi","image_url":"$"}]}`, `{"role":"user","content":[{"type":"text","text":"hi","source":{"data":"$"}}]}`,
		`{"role":"user","content":[{"type":"$","text":"hi"}]}`, `{"role":"user","content":[{"type":"text","text":"hi","uuid":"$"}]}`,
		`{"role":"user","content":[{"type":"image_url","image_url":{"url":"$"}}]}`, `{"role":"user","content":[{"type":"input_file","file_data":"$"}]}`,
	}
	chat := of(`"max_tokens":1,"messages":[`, `]}`, inMessage...)
	chat = append(chat, of(`"max_tokens":1,"messages":[{"role":"user","content":"hi"}],`, `}`,
		`"tools":[{"type":"function","function":{"name":"f","description":"$"}}]`, `"tools":[{"type":"function","function":{"name":"f","parameters":{"enum":["$"]}}}]`,
		`"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"$":{"type":"string"}}}}}]`,
		`"documents":[{"text":"$"}]`, `"chat_template_kwargs":{"anything":"$"}`, `"chat_template_kwargs":{"$":true}`)...)
	return map[string][]string{
		"/v1/chat/completions": chat,
		"/v1/responses":        of(`"max_output_tokens":1,"input":[`, `]}`, inMessage...),
		"/v1/messages":         of(`"max_tokens":1,"messages":[`, `]}`, inMessage...),
		"/v1/embeddings":       of(`"messages":[`, `]}`, inMessage...),
		"/v1/completions":      of(`"max_tokens":1,`, `}`, `"prompt":"$"`, `"prompt":["hi","$"]`),
		"/v1/rerank": of(`"query":"hi",`, `}`, `"documents":["$"]`, `"documents":[{"text":"hi","anything":"$"}]`,
			`"documents":{"content":[{"type":"text","text":"$"}]}`),
		"/v1/score": of(`"text_1":"hi",`, `}`, `"text_2":"$"`, `"text_2":{"content":[{"type":"text","text":"hi","image_url":"$"}]}`),
	}
}
