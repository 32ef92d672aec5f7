package mockvllm

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// dimensions is the length of an embedding.
const dimensions = 8

// countPairs counts each pair of texts of rerank (the query with each
// document) and score (one text with each of a list, or two lists in step).
func (j *job) countPairs() ([]int64, error) {
	b := &j.body
	left, right := b.Query, b.Documents
	if j.endpoint == wire.Score {
		left, right = b.Text1, b.Text2
		if left == nil {
			left, right = b.Queries, b.Documents
		}
	}
	if left == nil || right == nil {
		return nil, invalid("query", "Field required: two texts to compare")
	}
	lefts, err := countPrompts(left)
	if err != nil {
		return nil, err
	}
	rights, err := countPrompts(right)
	if err != nil {
		return nil, err
	}
	if len(lefts) != 1 && len(lefts) != len(rights) {
		return nil, invalid("query", "Input lengths must be either 1:1, 1:N or N:N")
	}
	pairs := make([]int64, len(rights))
	for i := range pairs {
		pairs[i] = lefts[i%len(lefts)] + rights[i]
	}
	return pairs, nil
}

// answerPooling answers the endpoints that generate nothing.
func (j *job) answerPooling() error {
	p := newPacer(j)
	defer p.stop()
	if err := p.wait(0); err != nil {
		return err
	}
	if err := j.strike(nil); err != nil && err != errCut {
		return err
	}
	switch j.endpoint {
	case wire.Embeddings:
		return j.writeAnswer(j.appendEmbeddings(nil))
	case wire.Pooling:
		return j.writeAnswer(j.appendPooled(nil))
	case wire.Classify:
		return j.writeAnswer(j.appendClasses(nil))
	case wire.Rerank:
		return j.writeAnswer(j.appendRanking(nil))
	}
	return j.writeAnswer(j.appendScores(nil))
}

// appendList appends a list with an item for each prompt, which item appends.
func (j *job) appendList(dst []byte, prefix string, item func(dst []byte, i int) []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), prefix+j.id)
	dst = appendCount(dst, `,"object":"list","created":`, j.created)
	dst = append(dst, `,"model":`+j.model.quoted+`,"data":[`...)
	for i := range j.inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(item(appendCount(dst, `{"index":`, int64(i)), i), '}')
	}
	return append(j.appendUsage(append(dst, ']'), j.total(), fullUsage), '}')
}

func (j *job) appendEmbeddings(dst []byte) []byte {
	return j.appendList(dst, "embd-", func(dst []byte, i int) []byte {
		return j.appendVector(append(dst, `,"object":"embedding","embedding":`...), j.inputs[i])
	})
}

// appendPooled appends what the pooler makes of each prompt.
func (j *job) appendPooled(dst []byte) []byte {
	return j.appendList(dst, "pooling-", func(dst []byte, i int) []byte {
		return j.appendVector(append(dst, `,"object":"pooling","data":`...), j.inputs[i])
	})
}

// appendClasses appends the class of each prompt, by whether its length is odd.
func (j *job) appendClasses(dst []byte) []byte {
	return j.appendList(dst, "classify-", func(dst []byte, i int) []byte {
		class := [...]string{`"label":"even","probs":[0.75,0.25]`, `"label":"odd","probs":[0.25,0.75]`}[j.inputs[i]%2]
		return append(dst, ","+class+`,"num_classes":2`...)
	})
}

// appendVector appends a unit vector that depends on the prompt's length.
func (j *job) appendVector(dst []byte, input int64) []byte {
	direction := int(input % dimensions)
	if j.body.EncodingFormat == "base64" {
		var raw [4 * dimensions]byte
		binary.LittleEndian.PutUint32(raw[4*direction:], math.Float32bits(1))
		return appendString(dst, base64.StdEncoding.EncodeToString(raw[:]))
	}
	dst = append(dst, '[')
	for i := range dimensions {
		if i > 0 {
			dst = append(dst, ',')
		}
		if i == direction {
			dst = append(dst, "1.0"...)
		} else {
			dst = append(dst, "0.0"...)
		}
	}
	return append(dst, ']')
}

// appendScores appends the scores: 1, 1/2, 1/3 and so on.
func (j *job) appendScores(dst []byte) []byte {
	return j.appendList(dst, "score-", func(dst []byte, i int) []byte {
		return appendScore(append(dst, `,"object":"score","score":`...), i)
	})
}

// appendRanking appends the ranking: documents in the order in which they came.
func (j *job) appendRanking(dst []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), "rerank-"+j.id)
	dst = append(dst, `,"model":`+j.model.quoted...)
	dst = j.appendRankingUsage(dst)
	dst = append(dst, `,"results":[`...)
	documents := j.documentTexts()
	for i := range j.inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendCount(dst, `{"index":`, int64(i)), `,"document":{"text":`...)
		dst = append(dst, documents[i]...)
		dst = append(dst, `,"multi_modal":null},"relevance_score":`...)
		dst = append(appendScore(dst, i), '}')
	}
	return append(dst, "]}"...)
}

// documentTexts returns the text of each document as JSON; null for one that
// is not a string.
func (j *job) documentTexts() []jsontext.Value {
	texts := make([]jsontext.Value, len(j.inputs))
	_ = json.Unmarshal(j.body.Documents, &texts) // a single document is no list
	for i, text := range texts {
		if text.Kind() != '"' {
			texts[i] = jsontext.Value("null")
		}
	}
	return texts
}

func (j *job) appendRankingUsage(dst []byte) []byte {
	u, ok := j.told(j.total())
	switch {
	case j.behavior.Usage == NoUsage:
		return dst
	case !ok:
		return append(dst, `,"usage":null`...)
	}
	dst = appendCount(dst, `,"usage":{"prompt_tokens":`, u.Input)
	return append(appendCount(dst, `,"total_tokens":`, u.Input), '}')
}

func appendScore(dst []byte, rank int) []byte {
	return strconv.AppendFloat(dst, 1/float64(rank+1), 'f', 4, 64)
}
