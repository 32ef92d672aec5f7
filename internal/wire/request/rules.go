package request

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// FieldRules says which members of a body are passed on that are not known, or held back. The
// zero value leaves out what is not known and passes on nothing that is held back.
type FieldRules struct {
	Allow []string // names that are passed on all the same, and count as input
	// refuse a request with a member that is not known, instead of leaving it out
	RefuseUnknown bool
}

func (r FieldRules) allows(name string) bool {
	return slices.Contains(r.Allow, name)
}

// ModelRules knows the rules of the models that there are. It returns the zero value for a model
// that there is not. It must be safe for concurrent use.
type ModelRules interface {
	FieldRules(model string) FieldRules
}

// unknownMember is the error for a member that nobody has classified. A name that is not fit to be
// shown might be a prompt in the wrong place.
func unknownMember(name string) *failure.Error {
	shown := name
	if !isToken(name) {
		name, shown = "", "a member whose name is no plain word"
	}
	return failure.InvalidRequest(name,
		"%s is not known here, and what is not known is not passed on: "+
			"leave it out, or ask the operator to list it in the model's allow-fields", shown)
}
