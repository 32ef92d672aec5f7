package mockvllm

import "time"

// await waits for c, or for the end of the client (errGone) or of the server
// (errClosed). A nil c never comes.
func await[T any](j *job, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-j.r.Context().Done():
		return errGone
	case <-j.server.closed:
		return errClosed
	}
}

// interrupted is await without waiting.
func (j *job) interrupted() error {
	select {
	case <-j.r.Context().Done():
		return errGone
	case <-j.server.closed:
		return errClosed
	default:
		return nil
	}
}

// pace waits for the time of round i of those that began at start, so that a late token
// does not delay the ones after it. It returns errGone or errClosed as soon as that is so.
func (j *job) pace(start time.Time, i int64) error {
	if err := j.interrupted(); err != nil {
		return err
	}
	due := millis(j.behavior.FirstTokenMillis) + time.Duration(i)*millis(j.behavior.TokenMillis)
	if delay := time.Until(start.Add(due)); due > 0 && delay > 0 {
		return await(j, time.After(delay))
	}
	return nil
}
