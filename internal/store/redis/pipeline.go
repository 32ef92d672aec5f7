package redis

import (
	"context"
	"time"
)

// callAll runs requests together, all in one round trip, within timeout, and returns an
// answer for each. A caller bounds their number. A server that does not know the script
// is told it by the first request; that takes another round trip. Nothing is sent twice
// but for that.
func (s *Store) callAll(ctx context.Context, timeout time.Duration, requests []request) []answer {
	if len(requests) == 0 {
		return nil
	}
	till := time.Now().Add(timeout)
	answers := s.exchange(newTurn(ctx), till, requests)
	var again []request
	var at []int
	for i := range answers {
		if answers[i].forgotten() {
			again, at = append(again, requests[i]), append(at, i)
		}
	}
	if len(again) == 0 {
		return answers
	}
	again[0].whole = true
	for i, a := range s.exchange(newTurn(ctx), till, again) {
		answers[at[i]] = a
	}
	return answers
}
