package upstream

import "slices"

// ServerState is how a model server stands as one of a [Pool].
type ServerState struct {
	Server  string // its name
	Healthy bool   // it is reachable, as far as is known, and does not lack the model
	Reason  string // why it is not; empty: it is
	Breaker BreakerState
	Running int // requests of this process
}

// States returns how the model servers stand, in the order of the configuration,
// without asking them.
func (p *Pool) States() []ServerState {
	list := make([]ServerState, len(p.servers))
	for i, s := range p.servers {
		now := p.breakers[i].condition()
		e := ServerState{Server: s.name, Healthy: now.Reachable, Breaker: now.Breaker}
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
	return slices.ContainsFunc(p.States(), func(e ServerState) bool { return e.Healthy })
}
