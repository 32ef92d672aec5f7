package openai

import (
	"slices"
	"strings"
)

// Treatment says what becomes of a member of a request body. The zero value is that of a
// member that nobody has classified.
type Treatment uint8

// The treatments.
const (
	Passed     Treatment = iota + 1 // sent as it is: it neither reaches a prompt nor changes cost or metering
	Priced                          // sent as it is: its text may reach the prompt, and so counts as input
	Overridden                      // read; the gateway may write a value of its own, or leave it out
	HeldBack                        // refused, unless the model's allow-fields list it
)

// String returns the treatment in words, such as "held back".
func (t Treatment) String() string {
	return [...]string{"unknown", "passed", "priced", "overridden", "held back"}[t]
}

// Member is a member of a request body that somebody has classified.
type Member struct {
	Name      string
	Treatment Treatment
	Why       string // in a few words of English
}

// row is members that have treatment, reader and reason in common.
type row struct {
	treatment Treatment
	read      param  // what reads them; paramUnknown: what the treatment has
	names     string // separated by spaces
	why       string
}

// reader returns what reads the members of a row.
func (r *row) reader() param {
	if r.read != paramUnknown {
		return r.read
	}
	return [...]param{Passed: paramPassed, Priced: paramPriced, HeldBack: paramHeldBack}[r.treatment]
}

// endpointRows has one table per endpoint: all members that OpenAI's, Anthropic's and vLLM's
// interfaces define there or have defined, and those that SGLang, llama.cpp and
// Ollama add. What is not in it, nobody has classified.
var endpointRows = [...][]row{
	ChatCompletions: slices.Concat(everyRows, heldRows, samplingRows, generationRows, templateRows, argumentRows, chatRows),
	Completions:     slices.Concat(everyRows, heldRows, samplingRows, generationRows, completionRows),
	Embeddings:      slices.Concat(everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows),
	Responses:       slices.Concat(everyRows, heldRows, samplingRows, responsesRows),
	Messages:        slices.Concat(everyRows, heldRows, samplingRows, anthropicRows, argumentRows, messagesRows),
	CountTokens:     slices.Concat(everyRows, heldRows, anthropicRows, argumentRows, countTokensRows),
	Rerank:          slices.Concat(everyRows, heldRows, poolingRows, argumentRows, rerankRows),
	Score:           slices.Concat(everyRows, heldRows, poolingRows, argumentRows, scoreRows),
	Pooling:         slices.Concat(everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows, pluginRows),
	Classify:        slices.Concat(everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows),
	Tokenize:        slices.Concat(everyRows, heldRows, templateRows, argumentRows, tokenizeRows),
	Detokenize:      slices.Concat(everyRows, heldRows, detokenizeRows),
}

// endpointMembers is endpointRows by name.
var endpointMembers = func() (tables [len(endpointRows)]memberTable) {
	for e, rows := range endpointRows {
		for i := range rows {
			for name := range strings.FieldsSeq(rows[i].names) {
				s := tables[e].slotOf([]byte(name))
				if s.name != "" {
					panic("openai: " + Endpoint(e).String() + " classifies " + name + " twice")
				}
				*s = memberSlot{name, rows[i].reader(), &rows[i]}
			}
		}
	}
	return tables
}()

// Members returns the members that are classified for an endpoint, by name.
func Members(e Endpoint) []Member {
	var all []Member
	for i := range endpointMembers[e] {
		if s := &endpointMembers[e][i]; s.name != "" {
			all = append(all, Member{s.name, s.row.treatment, s.row.why})
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all
}
