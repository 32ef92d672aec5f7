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

// pacer waits for the time of each token. Times follow from the start, so that
// a late token does not delay the ones after it.
type pacer struct {
	job             *job
	start           time.Time
	first, interval time.Duration
	timer           *time.Timer
}

func newPacer(j *job) *pacer {
	return &pacer{
		job: j, start: time.Now(),
		first: millis(j.behavior.FirstTokenMillis), interval: millis(j.behavior.TokenMillis),
	}
}

func (p *pacer) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// wait waits for round i. It returns errGone or errClosed as soon as that is so.
func (p *pacer) wait(i int64) error {
	if err := p.job.interrupted(); err != nil {
		return err
	}
	delay := time.Until(p.start.Add(p.first + time.Duration(i)*p.interval))
	if p.first+p.interval == 0 || delay <= 0 {
		return nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(delay)
	} else {
		p.timer.Reset(delay)
	}
	return await(p.job, p.timer.C)
}
