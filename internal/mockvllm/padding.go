package mockvllm

import (
	"net/http"
	"strings"
)

// paddingBlock is what padding consists of: numbers, as embeddings do.
var paddingBlock = []byte(strings.Repeat("0.0123456789,", 5000))

// writePadded writes a JSON answer with padding, as fast as the client reads.
func (j *job) writePadded(body []byte) error {
	before, after := body[:len(body)-1], []byte("0]}")
	opening := `,"padding":[`
	if j.behavior.PaddingFirst {
		before, opening = body[:1], `"padding":[`
		after = append([]byte("0],"), body[1:]...)
	}
	before = append(append([]byte(nil), before...), opening...)
	blocks := int(j.behavior.PaddingBytes)/len(paddingBlock) + 1
	announceJSON(j.w, len(before)+blocks*len(paddingBlock)+len(after))
	if j.behavior.PaddingChunked {
		j.w.Header().Del("Content-Length")
	}
	j.w.WriteHeader(http.StatusOK)
	if _, err := j.w.Write(before); err != nil {
		return errGone
	}
	for i := range blocks {
		if i >= blocks/2 && j.fails(Reset, Close, Truncate) {
			j.finish(Broken)
			if j.fails(Truncate) && j.behavior.PaddingChunked {
				return errStruck
			}
			return j.hangUp(j.fails(Reset))
		}
		if _, err := j.w.Write(paddingBlock); err != nil {
			return errGone
		}
	}
	if j.endpoint.Counts() {
		j.tellFinal()
	}
	j.finish(Completed)
	_, _ = j.w.Write(after) // a reader that left needs no answer
	return nil
}
