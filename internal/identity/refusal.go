package identity

// Refusal is the error of a credential that is not taken, which says why. Where it does not wrap
// [ErrUnknown] too, it is final. It holds nothing of the credential.
type Refusal struct {
	Message string // for whoever sent it
	Check   string // what has failed, in a word, for the log
	// Forbidden says that it is somebody's, who may not come in.
	Forbidden bool
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }
