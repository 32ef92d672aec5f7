package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

const eventStream = "text/event-stream"

// answerTests returns the tests of an answer: its status, its media type, the header fields
// that it must have, and its shape. What was created is kept in variables.
func answerTests(status int, media string, answer any) ([]event, error) {
	lines := []string{statusTest(status), mediaTest(media)}
	if status == 201 { // for the requests that follow
		lines = append(lines, `const made = pm.response.json();`,
			`for (const name of ["id", "secret"]) if (name in made) pm.collectionVariables.set(name, made[name]);`)
	}
	headers := object(at(answer, "headers"))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if at(headers[name], "required") == true {
			lines = append(lines, fmt.Sprintf(`pm.test("has %[1]s", () => pm.response.to.have.header(%[1]q));`, name))
		}
	}
	if media != "application/json" {
		lines = append(lines, `pm.test("is not empty", () => pm.expect(pm.response.text()).to.not.be.empty);`)
		return tests(lines), nil
	}
	schema, err := plain(at(answer, "content", media, "schema"))
	if err != nil {
		return nil, err
	}
	return tests(append(lines,
		"const schema = "+schema+";",
		`pm.test("has the shape that is described", () => pm.response.to.have.jsonSchema(schema));`,
	)), nil
}

// streamTests returns the tests of events.
func streamTests() []event {
	return tests([]string{
		statusTest(200), mediaTest(eventStream),
		`pm.test("has events", () => pm.expect(pm.response.text()).to.match(/^data: \{.*\}$/m));`,
	})
}

func statusTest(status int) string {
	return fmt.Sprintf(`pm.test("is a %[1]d", () => pm.response.to.have.status(%[1]d));`, status)
}

func mediaTest(media string) string {
	return fmt.Sprintf(`pm.test("is %[1]s", () => pm.expect(pm.response.headers.get("Content-Type")).to.include(%[1]q));`, media)
}

func tests(lines []string) []event {
	return []event{{Listen: "test", Script: script{Type: "text/javascript", Exec: lines}}}
}

// plain returns a schema as JSON, without what only people read.
func plain(schema any) (string, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(stripped(schema))
	return string(bytes.TrimSpace(text.Bytes())), err
}

// stripped leaves descriptions out, but for members of that name.
func stripped(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			if _, words := member.(string); name != "description" || !words {
				kept[name] = stripped(member)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, element := range v {
			kept[i] = stripped(element)
		}
		return kept
	}
	return value
}

// refusals are requests that the gateway must refuse, whoever asks.
func refusals() folder {
	chat, messages := "/v1/chat/completions", "/v1/messages"
	return folder{
		Name: "refusals", Description: "what the gateway must refuse, with the code that it tells",
		Item: []item{
			refusal("A model that there is not", chat, `{"model": "no-such-model", "messages": []}`, 404, "model_not_found"),
			refusal("A model that there is not, in Anthropic's shape", messages, `{"model": "no-such-model", "max_tokens": 1, "messages": []}`, 404, "model_not_found"),
			refusal("A body that is not JSON", chat, `{`, 400, "invalid_request"),
			refusal("A member that comes twice", chat, `{"model": "{{model}}", "model": "{{model}}", "messages": []}`, 400, "invalid_request"),
			refusal("A route that there is not", "/v1/no-such-route", `{}`, 404, "not_found"),
		},
	}
}

// refusal is a POST that is answered with a status and the code of an error.
func refusal(name, path, text string, status int, code string) item {
	return item{
		Name: name,
		Event: tests([]string{
			statusTest(status), mediaTest("application/json"),
			fmt.Sprintf(`pm.test("is %[1]s", () => pm.expect(pm.response.json().error.code).to.eql(%[1]q));`, code),
		}),
		Request: request{
			Method: "POST", URL: addressOf(path), Body: &body{Mode: "raw", Raw: text},
			Header: []variable{{Key: "Content-Type", Value: "application/json"}},
		},
	}
}
