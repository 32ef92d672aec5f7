package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// collection is one in Postman's format, version 2.1.
type collection struct {
	Info     info       `json:"info"`
	Auth     auth       `json:"auth"`
	Variable []variable `json:"variable"`
	Item     []folder   `json:"item"`
}

type info struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      string `json:"schema"`
}

type folder struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Item        []item `json:"item"`
}

// item is a request with the tests of its answer.
type item struct {
	Name    string  `json:"name"`
	Event   []event `json:"event"`
	Request request `json:"request"`
}

type event struct {
	Listen string `json:"listen"`
	Script script `json:"script"`
}

type script struct {
	Type string   `json:"type"`
	Exec []string `json:"exec"`
}

type request struct {
	Auth        *auth      `json:"auth,omitempty"` // nil: the collection's
	Method      string     `json:"method"`
	Header      []variable `json:"header"`
	Body        *body      `json:"body,omitempty"`
	URL         address    `json:"url"`
	Description string     `json:"description,omitempty"`
}

type auth struct {
	Type   string     `json:"type"`
	Bearer []variable `json:"bearer,omitempty"`
}

type body struct {
	Mode string `json:"mode"`
	Raw  string `json:"raw"`
}

type address struct {
	Raw      string     `json:"raw"`
	Host     []string   `json:"host"`
	Path     []string   `json:"path"`
	Variable []variable `json:"variable,omitempty"`
}

// variable is a name with a value, of which Postman has many kinds.
type variable struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
}

// variables are what users set; as they stand, they fit `make run`.
var variables = []variable{
	{Key: "baseUrl", Value: "http://127.0.0.1:8080", Description: "where the gateway listens"},
	{Key: "apiKey", Value: "none", Type: "string", Description: "a key of the role user; any where authentication is off"},
	{Key: "adminKey", Value: "none", Type: "string", Description: "a key of the role admin; any where authentication is off"},
	{Key: "model", Value: "llama2-7b", Description: "the public name of a model"},
	{Key: "user", Value: "alice", Description: "whose usage is asked for"},
	{Key: "tenant", Value: "acme", Description: "a tenant that is made and deleted, and whose user is"},
	{Key: "role", Value: "key-desk", Description: "a role that is made and deleted"},
	{Key: "id", Value: "none", Description: "of the key that was created last: the request that creates one sets it"},
	{Key: "secret", Value: "none", Description: "of that key; the same"},
}

const schemaURL = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

// collectionOf returns the collection of a document: a folder for each tag, a request for
// each operation and each stream, and a folder of refusals.
func collectionOf(d document) ([]byte, error) {
	c := collection{
		Info: info{
			Name:        fmt.Sprint(at(d.root, "info", "title")),
			Description: fmt.Sprint(at(d.root, "info", "summary")) + " Written by `make api` from api/openapi.yaml.",
			Schema:      schemaURL,
		},
		Auth:     bearer("apiKey"),
		Variable: variables,
	}
	tags, _ := d.root["tags"].([]any)
	for _, tag := range tags {
		f := folder{Name: fmt.Sprint(at(tag, "name")), Description: fmt.Sprint(at(tag, "description"))}
		for _, o := range d.operations(f.Name) {
			items, err := d.items(o)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.method, o.path, err)
			}
			f.Item = append(f.Item, items...)
		}
		c.Item = append(c.Item, f)
	}
	c.Item = append(c.Item, refusals())
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(c)
	return text.Bytes(), err
}

// items returns the requests of an operation: none where only programs read the answer, or it
// takes a replica that is dead, two where it can be streamed.
func (d document) items(o operation) ([]item, error) {
	resolved, err := d.resolve(o.fields)
	if err != nil {
		return nil, err
	}
	o.fields = object(resolved)
	status, answer := o.answer()
	content := object(at(answer, "content"))
	if content == nil {
		return nil, fmt.Errorf("no answer with 200 or 201 is described")
	}
	if content["application/octet-stream"] != nil || strings.Contains(o.path, "{replica}") {
		return nil, nil
	}
	r, err := o.request()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(o.fields["summary"])
	media := "application/json"
	if content[media] == nil {
		media = slices.Sorted(maps.Keys(content))[len(content)-1] // text/plain of metrics
	}
	tests, err := answerTests(status, media, answer)
	if err != nil {
		return nil, err
	}
	all := []item{{Name: name, Event: tests, Request: r}}
	if content[eventStream] != nil {
		streamed := r
		streamed.Body = &body{Mode: "raw", Raw: strings.Replace(r.Body.Raw, "{\n", "{\n  \"stream\": true,\n", 1)}
		all = append(all, item{Name: name + ", streamed", Event: streamTests(), Request: streamed})
	}
	return all, nil
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// request returns the request of an operation whose references are resolved.
func (o operation) request() (request, error) {
	r := request{Auth: o.auth(), Method: o.method, Header: []variable{}, URL: addressOf(o.path)}
	if description, ok := o.fields["description"]; ok {
		r.Description = fmt.Sprint(description)
	}
	content := object(at(o.fields, "requestBody", "content"))
	if content == nil && o.method != "POST" {
		return r, nil
	}
	media := "application/json"
	if o.method == "PATCH" {
		media = "application/merge-patch+json"
	}
	example := maps.Clone(object(at(content[media], "examples", "short", "value")))
	if example == nil {
		return r, fmt.Errorf("its body has no example named short")
	}
	if _, has := example["model"]; has {
		example["model"] = "{{model}}"
	}
	if strings.Contains(o.path, "{model}") {
		delete(example, "model") // the path has it
	}
	text, err := json.MarshalIndent(example, "", "  ")
	r.Header = append(r.Header, variable{Key: "Content-Type", Value: media})
	r.Body = &body{Mode: "raw", Raw: string(text)}
	return r, err
}

// answer returns the answer to a request that is carried out, and its status: what is created is
// answered with 201, and only a dry run of that with 200.
func (o operation) answer() (status int, _ any) {
	if created := at(o.fields, "responses", "201"); created != nil {
		return 201, created
	}
	return 200, at(o.fields, "responses", "200")
}

// auth returns how the request is authenticated, where that is not as the collection says.
func (o operation) auth() *auth {
	tags, _ := o.fields["tags"].([]any)
	switch security, ok := o.fields["security"].([]any); {
	case ok && len(security) == 0:
		return &auth{Type: "noauth"}
	case tags[0] == "control plane" || tags[0] == "operations":
		admin := bearer("adminKey")
		return &admin
	}
	return nil
}

func bearer(name string) auth {
	return auth{Type: "bearer", Bearer: []variable{{Key: "token", Value: "{{" + name + "}}", Type: "string"}}}
}

// addressOf returns the address of a path; its parameters are variables of their names.
func addressOf(path string) address {
	written := parameter.ReplaceAllString(path, ":$1")
	a := address{Raw: "{{baseUrl}}" + written, Host: []string{"{{baseUrl}}"}, Path: strings.Split(written[1:], "/")}
	for _, m := range parameter.FindAllStringSubmatch(path, -1) {
		a.Variable = append(a.Variable, variable{Key: m[1], Value: "{{" + m[1] + "}}"})
	}
	return a
}
