package mockvllm

import (
	"bytes"
	"encoding/base64"
	htmljson "encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// engineMembers are the members of a body that no template sees: what says which model,
// how to sample, and how to answer.
var engineMembers = setOf(`model user mock metadata stream stream_options max_tokens
	max_completion_tokens max_output_tokens min_tokens ignore_eos n best_of use_beam_search
	temperature top_p top_k min_p seed stop stop_token_ids presence_penalty frequency_penalty
	repetition_penalty logprobs top_logprobs logit_bias encoding_format dimensions
	truncate_prompt_tokens truncation priority echo service_tier store request_id`)

// The members that give the prompts, or the left side of the pairs to score; and their
// right side.
var (
	leftMembers  = setOf("prompt input query queries text_1 data_1")
	rightMembers = setOf("documents items text_2 data_2")
)

// tokenizeMembers are the members that /tokenize reads, as vLLM's does.
var tokenizeMembers = setOf("messages prompt tools chat_template chat_template_kwargs")

// countMembers are those that count_tokens reads.
var countMembers = setOf("messages system tools")

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}

// printedInputs counts the tokens of each prompt for a model whose template prints all
// that it gets: of each of several prompts its own text, and all that they share.
func (j *job) printedInputs() []int64 {
	var shared, messages int64
	var left, right []int64
	var tools []jsontext.Value
	var named []string // of them
	var media content  // where a model server looks for it
	scores := j.endpoint == wire.Rerank || j.endpoint == wire.Score
	for name, value := range members(j.raw) {
		switch {
		case engineMembers[name], j.endpoint == wire.Tokenize && !tokenizeMembers[name],
			j.endpoint == wire.CountTokens && !countMembers[name]:
		case value.Kind() == 'n' && (name == "messages" || leftMembers[name] || rightMembers[name]):
			// None is given.
		case name == "messages" || name == "input" && j.endpoint == wire.Responses:
			messages += int64(max(1, len(elements(value)))) * messageTokens
			shared += printed(value)
			named = appendNamed(named, value)
			if j.endpoint == wire.Messages || j.endpoint == wire.CountTokens {
				shared += asciiArguments(value)
			}
			media.add(countMedia(value))
		case leftMembers[name]:
			left = append(left, printedEach(value)...)
			media.add(countMedia(value))
		case rightMembers[name] && scores:
			right = append(right, printedEach(value)...)
			media.add(countMedia(value))
		default:
			if name == "tools" {
				tools = elements(value)
			}
			shared += printed(value)
			// A template prints no name of a member that the endpoint has.
			known := func(m member.Member) bool { return m.Name == name }
			if !slices.ContainsFunc(request.Members(j.endpoint), known) {
				shared += CountTokens(name)
			}
		}
	}
	shared += printedAgain(tools, named)
	prompts := pairs(left, right)
	if messages > 0 {
		prompts = []int64{messages + answerTokens}
	}
	for i := range prompts {
		prompts[i] += shared
		if i == 0 {
			prompts[i] += media.images*imageTokens + media.audio*audioTokens
		}
	}
	return prompts
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
	for name, value := range members(v) {
		if name == "content" {
			list = elements(value)
		}
	}
	if list == nil {
		return []int64{printed(v)}
	}
	var counts []int64
	var ids int64
	for _, e := range list {
		inner := elements(e)
		switch {
		case e.Kind() == '0':
			ids++
		case len(inner) > 0 && inner[0].Kind() == '0':
			counts = append(counts, int64(len(inner)))
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
// for itself, and strings as they are or as JSON, also for web pages, whichever is most.
// Media is no text: see isMedia.
func printed(v jsontext.Value) (tokens int64) {
	switch v.Kind() {
	case '"':
		text := unquoted(v)
		quoted := quote(text)
		markup, _ := htmljson.Marshal(text)
		return max(CountTokens(text), CountTokens(quoted[1:len(quoted)-1]),
			CountTokens(string(markup[1:len(markup)-1])))
	case '[':
		for _, e := range elements(v) {
			tokens += printed(e)
		}
		return tokens
	case '{':
		media := isMedia(v)
		for name, value := range members(v) {
			tokens += CountTokens(name)
			if !media || !mediaMembers[name] {
				tokens += printed(value)
			}
		}
		return tokens
	case 'n':
		return 0
	}
	return CountTokens(string(v))
}

var (
	mediaTypes   = setOf("image_url input_image image input_audio audio_url video_url")
	mediaMembers = setOf("image_url image source input_audio audio_url video_url")
)

// isMedia reports whether a part is media that a model server can take: its type says
// so, and there is a URL or data. Anything else a template prints as it is.
func isMedia(part jsontext.Value) bool {
	var kind, reference string
	for name, value := range members(part) {
		switch {
		case name == "type" && value.Kind() == '"':
			kind = value.String()
		case !mediaMembers[name]:
		case value.Kind() == '"':
			reference = value.String()
		default:
			for name, value := range members(value) {
				if name == "url" || name == "data" {
					reference = value.String()
				}
			}
		}
	}
	return mediaTypes[strings.Trim(kind, `"`)] && isReference(strings.Trim(reference, `"`))
}

func isReference(s string) bool {
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		return len(s) <= 2048 && !strings.Contains(s, " ")
	}
	if head, data, ok := strings.Cut(s, ";base64,"); ok && strings.HasPrefix(head, "data:") {
		s = data
	}
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil && s != ""
}

// countMedia counts the media of v, wherever it is.
func countMedia(v jsontext.Value) (found content) {
	for _, e := range elements(v) {
		found.add(countMedia(e))
	}
	if isMedia(v) {
		if bytes.Contains(v, []byte("audio")) {
			return content{audio: 1}
		}
		return content{images: 1}
	}
	for _, value := range members(v) {
		found.add(countMedia(value))
	}
	return found
}

// members returns the members of an object, whose names may repeat; none of anything
// else. Here as below, values are valid, because they come from a body that was read.
func members(v jsontext.Value) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		if v.Kind() != '{' {
			return
		}
		dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
		_, _ = dec.ReadToken()
		for dec.PeekKind() == '"' {
			token, _ := dec.ReadToken()
			name := token.String() // before the next call makes the token void
			value, err := dec.ReadValue()
			if err != nil || !yield(name, value.Clone()) {
				return
			}
		}
	}
}

// elements returns the elements of a list, nil of anything else.
func elements(v jsontext.Value) (list []jsontext.Value) {
	if v.Kind() == '[' {
		_ = json.Unmarshal(v, &list, jsontext.AllowDuplicateNames(true))
	}
	return list
}

// unquoted returns the text of a string.
func unquoted(v jsontext.Value) string {
	text, _ := jsontext.AppendUnquote(nil, v)
	return string(text)
}
