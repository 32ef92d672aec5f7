package mockvllm

import (
	"bytes"
	"encoding/base64"
	htmljson "encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// engineMembers are the members of a body that no template sees: what says which model,
// how to sample, and how to answer.
var engineMembers = setOf("model", "user", "mock", "metadata", "stream", "stream_options", "max_tokens", "max_completion_tokens",
	"max_output_tokens", "min_tokens", "ignore_eos", "n", "best_of", "use_beam_search", "temperature", "top_p", "top_k", "min_p", "seed",
	"stop", "stop_token_ids", "presence_penalty", "frequency_penalty", "repetition_penalty", "logprobs", "top_logprobs", "logit_bias",
	"encoding_format", "dimensions", "truncate_prompt_tokens", "truncation", "priority", "echo", "service_tier", "store", "request_id")

// inputMembers are the members that give the prompts, or one side of the pairs to score.
var inputMembers = setOf("messages", "prompt", "input", "query", "queries", "text_1", "data_1", "documents", "items", "text_2", "data_2")

// tokenizeMembers are the members that /tokenize reads, as vLLM's does.
var tokenizeMembers = setOf("messages", "prompt", "tools", "chat_template", "chat_template_kwargs")

// countMembers are those that count_tokens reads.
var countMembers = setOf("messages", "system", "tools")

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// printedInputs counts the tokens of each prompt for a model whose template prints all
// that it gets: of each of several prompts its own text, and all that they share.
func (j *job) printedInputs() ([]int64, error) {
	var shared, messages, images, audio int64
	var left, right []int64
	var tools []jsontext.Value
	var named []string                   // of them
	look := func(value jsontext.Value) { // for media, where a model server does
		i, a := countMedia(value)
		images, audio = images+i, audio+a
	}
	err := eachMember(j.raw, func(name string, value jsontext.Value) {
		switch {
		case engineMembers[name], j.endpoint == wire.Tokenize && !tokenizeMembers[name],
			j.endpoint == wire.CountTokens && !countMembers[name]:
		case value.Kind() == 'n' && inputMembers[name]: // none is given
		case name == "messages" || name == "input" && j.endpoint == wire.Responses:
			messages += int64(max(1, len(elements(value)))) * messageTokens
			shared += printed(value)
			named = appendNamed(named, value)
			if j.endpoint == wire.Messages || j.endpoint == wire.CountTokens {
				shared += asciiArguments(value)
			}
			look(value)
		case name == "prompt", name == "input", name == "query", name == "queries", name == "text_1", name == "data_1":
			left = append(left, printedEach(value)...)
			look(value)
		case (j.endpoint == wire.Rerank || j.endpoint == wire.Score) &&
			(name == "documents" || name == "items" || name == "text_2" || name == "data_2"):
			right = append(right, printedEach(value)...)
			look(value)
		default:
			if name == "tools" {
				tools = elements(value)
			}
			if shared += printed(value); !isKnown(j.endpoint, name) {
				shared += CountTokens(name)
			}
		}
	})
	shared += printedAgain(tools, named)
	prompts := pairs(left, right)
	if messages > 0 {
		prompts = []int64{messages + answerTokens}
	}
	o := &j.server.options
	for i := range prompts {
		prompts[i] += shared
		if i == 0 {
			prompts[i] += images*o.ImageTokens + audio*o.AudioTokens
		}
	}
	return prompts, err
}

// isKnown reports whether e has a member of that name, which no template prints beside
// its value.
func isKnown(e wire.Endpoint, name string) bool {
	return slices.ContainsFunc(request.Members(e), func(m member.Member) bool { return m.Name == name })
}

// pairs joins the prompts of both sides, as scoring does; those of left stand alone
// where there are no others.
func pairs(left, right []int64) []int64 {
	if len(left) == 0 || len(right) == 0 {
		return append(left, right...)
	}
	all := make([]int64, max(len(left), len(right)))
	for i := range all {
		all[i] = left[i%len(left)] + right[i%len(right)]
	}
	return all
}

// printedEach counts the tokens of each of a list of prompts; token ids are one prompt. The
// parts of an object's content are prompts of their own, as vLLM once took them.
func printedEach(v jsontext.Value) []int64 {
	list := elements(v)
	if v.Kind() == '{' {
		_ = eachMember(v, func(name string, value jsontext.Value) {
			if name == "content" {
				list = elements(value)
			}
		})
	}
	if list == nil {
		return []int64{printed(v)}
	}
	var counts []int64
	var ids int64
	for _, e := range list {
		switch {
		case e.Kind() == '0':
			ids++
		case e.Kind() == '[' && len(elements(e)) > 0 && elements(e)[0].Kind() == '0':
			counts = append(counts, int64(len(elements(e))))
		default:
			counts = append(counts, printed(e))
		}
	}
	if ids > 0 {
		counts = append(counts, ids)
	}
	return counts
}

// printed counts every name, string, number and truth value of v, at any depth, each
// for itself, and strings as they are or as JSON, also for web pages, whichever is most. Media is no text: see isMedia.
func printed(v jsontext.Value) (tokens int64) {
	switch v.Kind() {
	case '"':
		text, _ := jsontext.AppendUnquote(nil, v) // v is valid
		quoted, _ := jsontext.AppendQuote(nil, text)
		markup, _ := htmljson.Marshal(string(text))
		return max(CountTokens(string(text)), CountTokens(string(quoted[1:len(quoted)-1])), CountTokens(string(markup[1:len(markup)-1])))
	case '[':
		for _, e := range elements(v) {
			tokens += printed(e)
		}
		return tokens
	case '{':
		media := isMedia(v)
		_ = eachMember(v, func(name string, value jsontext.Value) {
			tokens += CountTokens(name)
			if !media || !mediaMembers[name] {
				tokens += printed(value)
			}
		})
		return tokens
	case 'n':
		return 0
	}
	return CountTokens(string(v))
}

var mediaMembers = setOf("image_url", "image", "source", "input_audio", "audio_url", "video_url")

// isMedia reports whether a part is media that a model server can take: its type says
// so, and there is a URL or data. Anything else a template prints as it is.
func isMedia(part jsontext.Value) bool {
	var kind, reference string
	_ = eachMember(part, func(name string, value jsontext.Value) {
		switch {
		case name == "type" && value.Kind() == '"':
			kind = value.String()
		case !mediaMembers[name]:
		case value.Kind() == '"':
			reference = value.String()
		case value.Kind() == '{':
			_ = eachMember(value, func(name string, value jsontext.Value) {
				if name == "url" || name == "data" {
					reference = value.String()
				}
			})
		}
	})
	switch strings.Trim(kind, `"`) {
	case "image_url", "input_image", "image", "input_audio", "audio_url", "video_url":
		return isReference(strings.Trim(reference, `"`))
	}
	return false
}

func isReference(s string) bool {
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		return len(s) <= 2048 && !strings.ContainsAny(s, " ")
	}
	if head, data, ok := strings.Cut(s, ";base64,"); ok && strings.HasPrefix(head, "data:") {
		s = data
	}
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil && s != ""
}

// countMedia counts the media of v, wherever it is.
func countMedia(v jsontext.Value) (images, audio int64) {
	inner := func(value jsontext.Value) {
		i, a := countMedia(value)
		images, audio = images+i, audio+a
	}
	switch v.Kind() {
	case '[':
		for _, e := range elements(v) {
			inner(e)
		}
	case '{':
		if isMedia(v) {
			if bytes.Contains(v, []byte("audio")) {
				return 0, 1
			}
			return 1, 0
		}
		_ = eachMember(v, func(_ string, value jsontext.Value) { inner(value) })
	}
	return images, audio
}

// eachMember calls f for each member of an object.
func eachMember(v jsontext.Value, f func(name string, value jsontext.Value)) error {
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
	if dec.PeekKind() != '{' {
		return invalid("", "Input should be an object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		f(name, value.Clone())
	}
	return nil
}

// elements returns the elements of a list, nil of anything else.
func elements(v jsontext.Value) []jsontext.Value {
	if v.Kind() != '[' {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	list := []jsontext.Value{}
	for dec.PeekKind() != ']' {
		e, err := dec.ReadValue()
		if err != nil {
			return list
		}
		list = append(list, e.Clone())
	}
	return list
}
