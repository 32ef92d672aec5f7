package openai

// telling is what the events of one stream have told, and what its client is to see of that.
type telling struct {
	meter streamMeter
	ident streamIdent
	// model is the public name of the model as JSON; empty: the server's own stays.
	model []byte
}

// rename replaces the model's name in an event by the public one. A model that is not a
// string stays.
func (t *telling) rename(env *envelope, es *eventEdits) {
	if v := env.values[fieldModel]; len(t.model) > 0 && env.inner(fieldModel) != nil {
		es.replace(v, t.model)
	}
}

// publicModel returns the model's name as the client sees it, as JSON.
func (t *telling) publicModel() []byte {
	if len(t.model) > 0 && len(t.ident.model) > 0 {
		return t.model
	}
	return orNull(t.ident.model)
}
