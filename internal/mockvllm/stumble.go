package mockvllm

import "bytes"

// Stumble is what a server does with a body of a kind, whoever sends it: a bug of a
// model server that some requests set off. The body does not ask for it, so that it
// happens also where nothing unknown is passed on.
type Stumble struct {
	// Text is what the kind is known by: a body that has these bytes anywhere.
	Text string
	// Behavior replaces the request's own.
	Behavior Behavior
}

// stumble returns the behaviour of the first kind that the body is of, or b.
func (s *Server) stumble(body []byte, b Behavior) Behavior {
	for i := range s.options.Stumbles {
		if kind := &s.options.Stumbles[i]; bytes.Contains(body, []byte(kind.Text)) {
			return kind.Behavior
		}
	}
	return b
}
