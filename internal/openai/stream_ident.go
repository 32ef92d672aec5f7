package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// identMax bounds what is kept of each name, in bytes of JSON text. Longer ones
// are left out.
const identMax = 256

// streamIdent is what an event must repeat to belong to the stream, as JSON
// text; each is empty until it has come.
type streamIdent struct {
	id, object, created, model, fingerprint []byte
}

// reset forgets everything but the buffers.
func (d *streamIdent) reset() {
	for _, kept := range [...]*[]byte{&d.id, &d.object, &d.created, &d.model, &d.fingerprint} {
		*kept = (*kept)[:0]
	}
}

// note keeps what the object tells for the first time.
func (d *streamIdent) note(env *envelope) {
	keep(&d.id, env.raw(fieldID))
	keep(&d.object, env.raw(fieldObject))
	keep(&d.created, env.raw(fieldCreated))
	keep(&d.created, env.raw(fieldCreatedAt))
	keep(&d.model, env.raw(fieldModel))
	keep(&d.fingerprint, env.raw(fieldFingerprint))
}

func keep(kept *[]byte, raw []byte) {
	if len(*kept) == 0 && len(raw) <= identMax {
		*kept = append(*kept, raw...)
	}
}

// orNull returns JSON text that was kept, null where there is none.
func orNull(kept []byte) []byte {
	if len(kept) == 0 {
		return jsonscan.Null
	}
	return kept
}
