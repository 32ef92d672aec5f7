package upstream

import (
	"slices"
	"time"
)

// Attempt is what a [Pool] has done to get a request answered, for those who want to know
// why: see [Request.Explain].
type Attempt struct {
	Server string        // the name of the model server that was asked; empty: none could be
	Status int           // of its answer; 0: there is none
	Err    *Error        // why there is none, or none that counts
	Took   time.Duration // until the body of the answer had begun, or it had failed
	// Connections is how many it was written to: see [Response.Attempts].
	Connections int
	Choice      []Choice // among which it was chosen, in the order of the configuration
}

// Choice is a model server that an attempt could have gone to, as it stood before.
type Choice struct {
	Endpoint
	Tried bool // the request was there already
}

// choices returns how the model servers stand before an attempt; nil where nobody wants
// to know.
func (p *Pool) choices(w *walk) []Choice {
	if w.request.Explain == nil {
		return nil
	}
	list := make([]Choice, len(p.servers))
	for i, e := range p.Endpoints() {
		list[i] = Choice{Endpoint: e, Tried: slices.Contains(w.tried, p.servers[i])}
	}
	return list
}

// explain tells of an attempt that has ended, at s or, where that is nil, nowhere.
func (w *walk) explain(s *Server, choice []Choice, response *Response, err *Error, begun time.Time) {
	if w.request.Explain == nil {
		return
	}
	a := Attempt{Err: err, Took: time.Since(begun), Choice: choice}
	if s != nil {
		a.Server = s.name
	}
	if response != nil {
		a.Status, a.Connections = response.Status, response.Attempts
	} else if err != nil {
		a.Connections = err.Attempts
	}
	w.request.Explain(a)
}
