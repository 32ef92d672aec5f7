package jsonscan

// Extent is the bytes of a text from start up to, not including, end. The zero value is
// none; the values that it is used for never begin at 0.
type Extent struct{ Start, End int }

// IsSet reports whether x is a place at all.
func (x Extent) IsSet() bool { return x.End > 0 }

// Len returns how many bytes there are.
func (x Extent) Len() int { return x.End - x.Start }

// Of returns the bytes of the text b that are there.
func (x Extent) Of(b []byte) []byte { return b[x.Start:x.End] }
