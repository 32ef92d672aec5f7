package request

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Patch says how the body that goes to the model server differs from the client's. The zero value
// changes what has to be changed in any case, so that every server understands the request as it
// was priced:
//
//   - of two different output caps the smaller one is written to both, for servers disagree
//     about which one counts; a completion without a cap gets the one that it was taken to
//     have, for its default is another with other versions;
//   - null is left out where servers disagree about what it means;
//   - members of [Request.Dropped] are left out.
type Patch struct {
	// Model is the name to write, replaced or inserted; empty: it stays.
	Model string
	// ForceUsage makes a stream of chat completions or completions report usage on every chunk:
	// stream_options.include_usage and .continuous_usage_stats become true, and its other members
	// stay. It has no effect on other requests, whose answers carry their usage anyway.
	ForceUsage bool
	// TotalOnly keeps continuous_usage_stats as the client wrote it, for model servers that do
	// not know it: usage comes at the end only.
	TotalOnly bool
	// OutputCap is written to every output cap in the body or, if there is none, inserted as the
	// endpoint's usual one; 0: they stay. It only lowers: a smaller cap of the client's stays.
	// It has no effect on endpoints that do not generate.
	OutputCap int64
}

const (
	usageOn      = `"include_usage":true`
	continuousOn = `"continuous_usage_stats":true`
	optionsOn    = `{` + usageOn + `,` + continuousOn + `}`
	totalOn      = `{` + usageOn + `}`
)

// options returns the stream_options to write where there are none.
func (p *Patch) options() string {
	if p.TotalOnly {
		return totalOn
	}
	return optionsOn
}

// NeedsPatch reports whether AppendBody would change anything. Where it would not, body itself
// can be sent. Body must be the one that r was parsed from.
func (r *Request) NeedsPatch(body []byte, p Patch) bool {
	var array [editsMax]edit
	return len(r.edits(array[:0], body, p)) > 0
}

// AppendBody appends body, patched, to dst. Body must be the one that r was parsed from. Bytes
// that the patch does not concern stay as they are, in their order; members that were missing
// come first.
func (r *Request) AppendBody(dst, body []byte, p Patch) []byte {
	var array [editsMax]edit
	edits := r.edits(array[:0], body, p)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.Start - b.Start })
	dst = slices.Grow(dst, len(body)+len(p.Model)+96) // 96: for what is inserted beside the model
	at := 0
	for i := range edits {
		e := &edits[i]
		dst = append(dst, body[at:e.Start]...)
		dst = e.appendTo(dst, p)
		at = e.End
	}
	return append(dst, body[at:]...)
}

// edit replaces some bytes of the body, or inserts something where there are none.
type edit struct {
	jsonscan.Extent
	before string // text that comes first
	value  editValue
	cap    int64  // if value is capValue
	after  string // text that comes last
}

// editValue is what an edit writes between its two texts.
type editValue uint8

const (
	noValue    editValue = iota
	modelValue           // the patch's model, quoted
	capValue             // the edit's cap
)

// editsMax is how many edits there are of most bodies: the model, stream_options as a whole or
// its two members, two caps, and some members that are left out.
const editsMax = 8

func (e *edit) appendTo(dst []byte, p Patch) []byte {
	dst = append(dst, e.before...)
	switch e.value {
	case modelValue:
		dst = appendModel(dst, p.Model)
	case capValue:
		dst = strconv.AppendInt(dst, e.cap, 10)
	}
	return append(dst, e.after...)
}

// appendModel appends a model's name as a JSON string.
func appendModel(dst []byte, name string) []byte {
	dst, _ = jsontext.AppendQuote(dst, name) // the error says that it replaced invalid UTF-8
	return dst
}
