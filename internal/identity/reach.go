package identity

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// ReachModelsMax is how many names and patterns of models a Reach has at the most, and
// ReachBytesMax how many bytes they have together: every key may have one.
const (
	ReachModelsMax = 100
	ReachBytesMax  = 4 << 10
)

// Reach is which models a credential may use, and at which endpoints. nil is all of both. It is
// immutable, and safe for concurrent use.
type Reach struct {
	models    []string // names and patterns; nil: all
	endpoints []string // names, as they were written; nil: all
	at        uint32   // a bit for each of endpoints
}

// Nothing is the Reach of a credential that may use no model at all. An empty list of models is
// not that: see NewReach.
var Nothing = &Reach{models: []string{}}

// NewReach returns the reach of the models and the endpoints with these names. An empty list is
// all; nil is returned where both are. In the name of a model, each * stands for any text, of
// slashes too and of none. Endpoints have the names of wire.Endpoint, such as "chat_completions".
// It fails with a *ReachError.
func NewReach(models, endpoints []string) (*Reach, error) {
	if len(models) == 0 && len(endpoints) == 0 {
		return nil, nil
	}
	if len(models) > ReachModelsMax {
		return nil, &ReachError{"models", -1, fmt.Sprintf("has %d names, more than %d",
			len(models), ReachModelsMax)}
	}
	var s Reach
	size := 0
	for i, m := range models {
		size += len(m)
		if err := CheckModelPattern(m); err != nil {
			return nil, &ReachError{"models", i, fmt.Sprintf("%.*q %v", quotedMax, m, err)}
		}
	}
	if size > ReachBytesMax {
		return nil, &ReachError{"models", -1, fmt.Sprintf("has names of %d bytes, more than %d",
			size, ReachBytesMax)}
	}
	for i, name := range endpoints {
		e, ok := wire.EndpointNamed(name)
		if !ok {
			return nil, &ReachError{"endpoints", i, fmt.Sprintf(
				"%.*q is no endpoint: there are %s", quotedMax, name,
				listed(EndpointNames(), "and"))}
		}
		if s.at>>e&1 != 0 {
			continue // it is there twice
		}
		s.at |= 1 << e
		s.endpoints = append(s.endpoints, e.String())
	}
	if len(models) > 0 {
		s.models = slices.Clone(models)
	}
	return &s, nil
}

// EndpointNames returns the names of all endpoints, as NewReach takes them.
func EndpointNames() []string {
	names := make([]string, len(wire.Endpoints))
	for i, e := range wire.Endpoints {
		names[i] = e.String()
	}
	return names
}

// quotedMax is how many characters of a name errors have at the most.
const quotedMax = 80

// ReachError says what is wrong with a list of a reach.
type ReachError struct {
	List    string // "models" or "endpoints"
	Index   int    // of the name that is wrong; -1 where the list is
	Problem string
}

func (e *ReachError) Error() string {
	if e.Index < 0 {
		return e.List + " " + e.Problem
	}
	return fmt.Sprintf("%s[%d] %s", e.List, e.Index, e.Problem)
}

// CheckModelPattern returns why s cannot be the name or the pattern of models, or nil.
func CheckModelPattern(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > limit.NameBytesMax:
		return fmt.Errorf("has %d bytes, more than %d", len(s), limit.NameBytesMax)
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	}
	return nil
}

// Equal reports whether both were made of the same lists.
func (s *Reach) Equal(other *Reach) bool {
	if s == nil || other == nil {
		return s == other
	}
	return slices.Equal(s.models, other.models) && slices.Equal(s.endpoints, other.endpoints) &&
		(s.models == nil) == (other.models == nil)
}

// Models returns the names and patterns of models; nil is all. The caller must not change them.
func (s *Reach) Models() []string {
	if s == nil {
		return nil
	}
	return s.models
}

// Endpoints returns the names of endpoints; nil is all. The caller must not change them.
func (s *Reach) Endpoints() []string {
	if s == nil {
		return nil
	}
	return s.endpoints
}

// AllowsModel reports whether the model with this public name may be used, at some endpoint; a
// name that is longer than names are is of none. It takes time in proportion to the patterns and
// allocates nothing.
func (s *Reach) AllowsModel(model string) bool {
	if s == nil || s.models == nil {
		return true
	}
	if len(model) > limit.NameBytesMax {
		return false // clients send what they like, and patterns times names is a long time
	}
	for _, pattern := range s.models {
		if matches(pattern, model) {
			return true
		}
	}
	return false
}

// AllowsEndpoint reports whether the endpoint may be used, with some model.
func (s *Reach) AllowsEndpoint(e wire.Endpoint) bool {
	return s == nil || s.at == 0 || s.at>>e&1 != 0
}

// Within reports whether outer allows all that s does, whatever models there are.
func (s *Reach) Within(outer *Reach) bool {
	return s.modelsWithin(outer) && s.endpointsWithin(outer)
}

// modelsWithin uses that a pattern allows no more than another where that one matches it as a
// text: each * in it then stands for a text that only a * of the other can stand for. What several
// others allow together one of them allows alone, for a text of * can be any.
func (s *Reach) modelsWithin(outer *Reach) bool {
	if outer == nil || outer.models == nil {
		return true
	}
	return s != nil && s.models != nil && !slices.ContainsFunc(s.models, func(m string) bool {
		return !outer.AllowsModel(m)
	})
}

func (s *Reach) endpointsWithin(outer *Reach) bool {
	if outer == nil || outer.at == 0 {
		return true
	}
	return s != nil && s.at != 0 && s.at&^outer.at == 0
}

// matches reports whether name is what pattern stands for. It takes time in proportion to their
// product at the most, however many * there are.
func matches(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0 // the last *, and where what follows it was tried last
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
