package metering

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"

// Telling is what the events of one stream have told, and what its client is to see of that.
type Telling struct {
	Meter Meter
	Ident event.Ident
	// model is the public name of the model as JSON; empty: the server's own stays.
	Model []byte
}

// Rename replaces the model's name in an event by the public one. A model that is not a
// string stays.
func (t *Telling) Rename(env *event.Envelope, es *event.Edits) {
	if v := env.Values[event.FieldModel]; len(t.Model) > 0 && env.Inner(event.FieldModel) != nil {
		es.Replace(v, t.Model)
	}
}

// PublicModel returns the model's name as the client sees it, as JSON.
func (t *Telling) PublicModel() []byte {
	if len(t.Model) > 0 && len(t.Ident.Model) > 0 {
		return t.Model
	}
	return event.OrNull(t.Ident.Model)
}
