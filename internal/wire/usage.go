package wire

// Usage is what a model server says that a request spent.
type Usage struct {
	Input  int64 // prompt tokens, cached ones included
	Output int64 // generated tokens
	Cached int64 // the part of Input that came from the prefix cache
}
