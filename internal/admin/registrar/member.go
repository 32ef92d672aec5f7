package registrar

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// member is a member of a merge patch (RFC 7396): left out, null, or a value.
type member[T any] struct {
	sent, null bool
	value      T
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *member[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	m.sent = true
	if d.PeekKind() == 'n' {
		m.null = true
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &m.value)
}

// put writes the value to its place, where one was sent; of null that is the zero one.
func (m *member[T]) put(to *T) {
	if m.sent {
		*to = m.value
	}
}
