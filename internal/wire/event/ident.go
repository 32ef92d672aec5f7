package event

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// identMax bounds what is kept of each name, in bytes of JSON text. Longer ones are left out.
const identMax = 256

// Ident is what an event must repeat to belong to the stream, as JSON text. Each member is empty
// until it has come.
type Ident struct {
	ID, Object, Created, Model, Fingerprint []byte
}

// Reset forgets everything but the buffers.
func (d *Ident) Reset() {
	for _, kept := range [...]*[]byte{&d.ID, &d.Object, &d.Created, &d.Model, &d.Fingerprint} {
		*kept = (*kept)[:0]
	}
}

// Note keeps what the object tells for the first time.
func (d *Ident) Note(env *Envelope) {
	keep(&d.ID, env.raw(memberID))
	keep(&d.Object, env.raw(memberObject))
	keep(&d.Created, env.raw(memberCreated))
	keep(&d.Created, env.raw(memberCreatedAt))
	keep(&d.Model, env.raw(MemberModel))
	keep(&d.Fingerprint, env.raw(memberFingerprint))
}

func keep(kept *[]byte, raw []byte) {
	if len(*kept) == 0 && len(raw) <= identMax {
		*kept = append(*kept, raw...)
	}
}

// OrNull returns JSON text that was kept, null where there is none.
func OrNull(kept []byte) []byte {
	if len(kept) == 0 {
		return jsonscan.Null
	}
	return kept
}
