package upstream

import (
	"slices"
	"time"
)

// Try is what a [Pool] has done once to get a request answered, for those who want to know
// why: see [Request.Explain].
type Try struct {
	Server string        // the name of the model server that was asked; empty: none could be
	Status int           // of its answer; 0: there is none
	Err    *Error        // why there is none, or none that counts
	Took   time.Duration // until the body of the answer had begun, or it had failed
	// Connections is how many it was written to: see [Response].
	Connections int
	Choice      []Choice // among which it was chosen, in the order of the configuration
}

// Choice is a model server that could have been tried, as it stood before.
type Choice struct {
	ServerState
	Tried bool // the request was there already
}

// choices returns how the model servers stand before a try; nil where nobody wants to know.
func (p *Pool) choices(r *Request, w *walk) []Choice {
	if r.Explain == nil {
		return nil
	}
	list := make([]Choice, len(p.servers))
	for i, e := range p.States() {
		list[i] = Choice{ServerState: e, Tried: slices.Contains(w.tried, p.servers[i])}
	}
	return list
}

// explain tells of a try that has ended, at s or, where that is nil, nowhere.
func (r *Request) explain(s *Server, from []Choice, got *Response, err *Error, begun time.Time) {
	if r.Explain == nil {
		return
	}
	try := Try{Err: err, Took: time.Since(begun), Choice: from}
	if s != nil {
		try.Server = s.name
	}
	if got != nil {
		try.Status, try.Connections = got.Status, got.Connections
	} else if err != nil {
		try.Connections = err.Connections
	}
	r.Explain(try)
}
