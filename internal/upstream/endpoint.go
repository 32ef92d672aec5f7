package upstream

import "slices"

// Endpoint is how a model server stands as one of a [Pool].
type Endpoint struct {
	Server  string // its name
	Healthy bool   // it is reachable, as far as is known, and does not lack the model
	Reason  string // why it is not; empty: it is
	Breaker BreakerState
	Running int // requests of this process
}

// Endpoints returns how the model servers stand, in the order of the configuration,
// without asking them.
func (p *Pool) Endpoints() []Endpoint {
	list := make([]Endpoint, len(p.servers))
	for i, s := range p.servers {
		now := p.breakers[i].condition()
		e := Endpoint{Server: s.name, Healthy: now.Reachable, Breaker: now.Breaker}
		e.Running = s.Running()
		if cause := s.Cause(); !e.Healthy && cause != nil {
			e.Reason = cause.Error()
		} else if e.Healthy && p.lacking(s) {
			e.Healthy, e.Reason = false, s.LackReason(p.model)
		}
		list[i] = e
	}
	return list
}

// Served reports whether one of the model servers is healthy.
func (p *Pool) Served() bool {
	return slices.ContainsFunc(p.Endpoints(), func(e Endpoint) bool { return e.Healthy })
}
