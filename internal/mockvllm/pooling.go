package mockvllm

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"

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
	lefts, leftErr := countPrompts(left)
	rights, rightErr := countPrompts(right)
	if err := cmp.Or(leftErr, rightErr); err != nil {
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
	if err := j.pace(time.Now(), 0); err != nil {
		return err
	}
	if err := j.strike(nil); err != nil && err != errCut {
		return err
	}
	if j.endpoint == wire.Rerank {
		return j.writeAnswer(j.ranking())
	}
	p := poolings[j.endpoint]
	data := list(len(j.inputs), func(i int) string {
		return fmt.Sprintf(`{"index":%d,%s}`, i, p.item(j, i))
	})
	return j.writeAnswer(fmt.Appendf(nil,
		`{"id":%s,"object":"list","created":%d,"model":%s,"data":[%s]%s}`,
		quote(p.prefix+j.id), j.created, j.model.quoted, data, j.usage(j.total(), nullDetails)))
}

// poolings are the endpoints that answer with a list: how ids begin, and the members of
// the item of a prompt.
var poolings = map[wire.Endpoint]struct {
	prefix string
	item   func(j *job, i int) string
}{
	wire.Embeddings: {"embd-", func(j *job, i int) string {
		return `"object":"embedding","embedding":` + j.vector(j.inputs[i])
	}},
	wire.Pooling: {"pooling-", func(j *job, i int) string {
		return `"object":"pooling","data":` + j.vector(j.inputs[i])
	}},
	// The class of a prompt is whether its length is odd.
	wire.Classify: {"classify-", func(j *job, i int) string {
		return [...]string{
			`"label":"even","probs":[0.75,0.25],"num_classes":2`,
			`"label":"odd","probs":[0.25,0.75],"num_classes":2`,
		}[j.inputs[i]%2]
	}},
	wire.Score: {"score-", func(_ *job, i int) string {
		return fmt.Sprintf(`"object":"score","score":%.4f`, score(i))
	}},
}

// score is 1, 1/2, 1/3 and so on.
func score(i int) float64 { return 1 / float64(i+1) }

// vector returns a unit vector that depends on the prompt's length.
func (j *job) vector(input int64) string {
	direction := int(input % dimensions)
	if j.body.EncodingFormat == "base64" {
		var raw [4 * dimensions]byte
		binary.LittleEndian.PutUint32(raw[4*direction:], math.Float32bits(1))
		return quote(base64.StdEncoding.EncodeToString(raw[:]))
	}
	return "[" + list(dimensions, func(i int) string {
		if i == direction {
			return "1.0"
		}
		return "0.0"
	}) + "]"
}

// ranking returns the ranking: documents in the order in which they came.
func (j *job) ranking() []byte {
	usage := j.usageMember(j.total(), func(u wire.Usage) string {
		return fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"total_tokens":%[1]d}`, u.Input)
	})
	documents := elements(j.body.Documents) // a single document is no list
	results := list(len(j.inputs), func(i int) string {
		text := "null"
		if i < len(documents) && documents[i].Kind() == '"' {
			text = string(documents[i])
		}
		return fmt.Sprintf(`{"index":%d,"document":{"text":%s,"multi_modal":null},`+
			`"relevance_score":%.4f}`, i, text, score(i))
	})
	return fmt.Appendf(nil, `{"id":%s,"model":%s%s,"results":[%s]}`,
		quote("rerank-"+j.id), j.model.quoted, usage, results)
}
