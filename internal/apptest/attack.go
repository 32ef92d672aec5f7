package apptest

import "strings"

// Attacker is the user of [Attacks], to be replaced by the name of one.
const Attacker = "ATTACKER"

// Attacks returns bodies with so many words in one place each, by the path that they are for: under
// names that were free once, and others like them. Each is for [Model] and an answer of one token;
// its user is [Attacker], for the stand-in's ledger.
func Attacks(words int) map[string][]string {
	w := strings.Repeat("hello world ", words/2)
	beginning := `{"model":"` + Model + `","user":"` + Attacker + `",`
	of := func(opening, closing string, shapes ...string) (bodies []string) {
		for _, s := range shapes {
			bodies = append(bodies, beginning+opening+strings.ReplaceAll(s, "$", w)+closing)
		}
		return bodies
	}
	message := func(role, more string) string {
		return `{"role":"` + role + `","content":"hi",` + more + `}`
	}
	part := func(members string) string { return `{"role":"user","content":[{` + members + `}]}` }
	call := func(id, kind, more string) string {
		return message("assistant", `"tool_calls":[{"id":"`+id+`","type":"`+kind+
			`","function":{"name":"f","arguments":"{}"`+more+`}}]`)
	}
	inMessage := []string{
		`{"role":"$","content":"hi"}`, message("user", `"name":"$"`),
		message("tool", `"tool_call_id":"$"`), message("user", `"anything":"$"`),
		message("user", `"anything":{"deep":[{"er":"$"}]}`),
		message("user", `"$":1`), message("assistant", `"reasoning_content":"$"`),
		call("$", "function", ""), call("c", "$", `,"anything":"$"`),
		part(`"type":"text","text":"hi","image_url":"$"`),
		part(`"type":"text","text":"hi","source":{"data":"$"}`),
		part(`"type":"$","text":"hi"`), part(`"type":"text","text":"hi","uuid":"$"`),
		part(`"type":"image_url","image_url":{"url":"$"}`),
		part(`"type":"input_file","file_data":"$"`),
	}
	tool := func(more string) string {
		return `"tools":[{"type":"function","function":{"name":"f",` + more + `}}]`
	}
	chat := of(`"max_tokens":1,"messages":[`, `]}`, inMessage...)
	chat = append(chat, of(`"max_tokens":1,"messages":[{"role":"user","content":"hi"}],`, `}`,
		tool(`"description":"$"`), tool(`"parameters":{"enum":["$"]}`),
		tool(`"parameters":{"properties":{"$":{"type":"string"}}}`), `"documents":[{"text":"$"}]`,
		`"chat_template_kwargs":{"anything":"$"}`, `"chat_template_kwargs":{"$":true}`)...)
	return map[string][]string{
		"/v1/chat/completions": chat,
		"/v1/responses":        of(`"max_output_tokens":1,"input":[`, `]}`, inMessage...),
		"/v1/messages":         of(`"max_tokens":1,"messages":[`, `]}`, inMessage...),
		"/v1/embeddings":       of(`"messages":[`, `]}`, inMessage...),
		"/v1/completions":      of(`"max_tokens":1,`, `}`, `"prompt":"$"`, `"prompt":["hi","$"]`),
		"/v1/rerank": of(`"query":"hi",`, `}`, `"documents":["$"]`,
			`"documents":[{"text":"hi","anything":"$"}]`,
			`"documents":{"content":[{"type":"text","text":"$"}]}`),
		"/v1/score": of(`"text_1":"hi",`, `}`, `"text_2":"$"`,
			`"text_2":{"content":[{"type":"text","text":"hi","image_url":"$"}]}`),
	}
}
