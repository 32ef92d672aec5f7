package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	listPath = "/v1/models"
	// listBytesMax bounds a list. A longer one says nothing.
	listBytesMax = 1 << 20
	// listOwner is who owns every model in a list of vLLM's, which knows no other names than
	// those in it. Others take names that they do not list, or any.
	listOwner = "vllm"
	// contextTokensMax is more than any model's context.
	contextTokensMax = 1 << 40
)

// modelList is what a model server's list of models says: its names, each with the tokens of its
// context, 0 where they are not told. Without names it says nothing. It is not changed.
type modelList struct{ contexts map[string]int64 }

// lacks reports whether the list says that there is no model of that name.
func (l *modelList) lacks(name string) bool {
	if l == nil || l.contexts == nil {
		return false
	}
	_, there := l.contexts[name]
	return !there
}

// readList reads the list that a model server answers with. One that is none, or that of
// another server than vLLM, says nothing.
func readList(text []byte) *modelList {
	var list struct {
		Object string
		Data   []struct {
			ID      string
			Owner   string `json:"owned_by"`
			Parent  string // of an adapter: the model that it is for
			Context int64  `json:"max_model_len"`
		}
	}
	isJSON := len(text) <= listBytesMax && json.Unmarshal(text, &list) == nil
	if !isJSON || list.Object != "list" || len(list.Data) == 0 {
		return &modelList{}
	}
	contexts := make(map[string]int64, len(list.Data))
	for _, m := range list.Data {
		if m.Owner != listOwner || m.ID == "" {
			return &modelList{}
		}
		if contexts[m.ID] = m.Context; m.Context < 0 || m.Context > contextTokensMax {
			contexts[m.ID] = 0
		}
	}
	for _, m := range list.Data {
		if contexts[m.ID] == 0 && m.Parent != "" {
			contexts[m.ID] = contexts[m.Parent]
		}
	}
	return &modelList{contexts}
}

// look asks the server for its list of models, and notes what it says. Without an answer
// what it has said before stands.
func (s *Server) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r, err := s.get(ctx, listPath)
	if err != nil {
		return
	}
	defer func() { _ = r.Body.Close() }()
	l := &modelList{}
	if r.Status == http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(r.Body, listBytesMax+1))
		if err != nil {
			return
		}
		l = readList(text)
	}
	before := s.list.Swap(l)
	if s.listed != nil && (before == nil || !maps.Equal(before.contexts, l.contexts)) {
		s.listed()
	}
}

// Lacks reports whether the server says that it has no model of that name: it is vLLM, and
// its list of models, as of when somebody last looked, is without it.
func (s *Server) Lacks(model string) bool { return s.list.Load().lacks(model) }

// Relist forgets what the server has said of its models, and has Watch look again soon: it
// may have more of them now.
func (s *Server) Relist() {
	s.list.Store(nil)
	s.wake()
}

// wake has Watch look soon.
func (s *Server) wake() {
	select {
	case s.alarm <- struct{}{}:
	default:
	}
}

// listedMax is how many names of a list people are told.
const listedMax = 10

// LackReason says why the server is not asked for a model that it lacks: for operators, since
// it quotes names of models.
func (s *Server) LackReason(model string) string {
	var names []string
	if l := s.list.Load(); l != nil {
		names = slices.Sorted(maps.Keys(l.contexts))
	}
	more := ""
	if n := len(names) - listedMax; n > 0 {
		names, more = names[:listedMax], fmt.Sprintf(" and %d more", n)
	}
	for i, name := range names {
		names[i] = strconv.QuoteToGraphic(name[:min(len(name), 128)])
	}
	listed := strings.Join(names, ", ") + more
	return fmt.Sprintf("its %s lists %s, and not %q: see served-as", listPath, listed, model)
}

// ContextLength returns how many tokens the context of the pool's model has, as its servers
// say: the most that one of them tells; 0 where one that may be asked tells nothing. It
// is not known while nobody has looked at the list of any that may be asked.
func (p *Pool) ContextLength() (most int64, known bool) {
	for _, s := range p.servers {
		l := s.list.Load()
		if l == nil || l.lacks(p.model) {
			continue // nobody has looked since it was away, or it is not asked
		}
		n := l.contexts[p.model]
		if n == 0 {
			return 0, true
		}
		most, known = max(most, n), true
	}
	return most, known
}
