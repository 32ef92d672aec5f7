package upstream

import (
	"testing"
)

// put sends a question aside, of an active caller, and returns whether it was answered.
func put(t testing.TB, p *Pool) (status int, failure *Error) {
	t.Helper()
	r := post("{}")
	r.Aside = true
	response, err := p.Do(t.Context(), r)
	if err != nil {
		return 0, err.(*Error)
	}
	response.Body.Abandon()
	return response.Status, nil
}

// TestQuestionsJudgeNothing: however questions end, they neither open a breaker nor close it,
// and take no turn of a trial: what can count may not be able to generate, and the other
// way round.
func TestQuestionsJudgeNothing(t *testing.T) {
	status, answers := 500, 0
	p := judged(t, func() (int, string) { answers++; return status, "{}" })
	want := func(state BreakerState, asked int) {
		t.Helper()
		if got := p.servers[0].breaker.condition().Breaker; got != state || answers != asked {
			t.Fatalf("the breaker is %v after %d answers, want %v after %d", got, answers, state, asked)
		}
	}
	for range 4 {
		put(t, p)
	}
	want(BreakerClosed, 4)

	ask(t, p)
	status = 200
	put(t, p) // makes up for nothing
	status = 500
	ask(t, p)
	want(BreakerOpen, 7)

	status = 200
	for range 3 {
		if _, failure := put(t, p); failure == nil || failure.Kind != Away || failure.Reached {
			t.Fatalf("a question to a server that is condemned: %v", failure)
		}
	}
	want(BreakerOpen, 7)

	ask(t, p) // the trial
	want(BreakerClosed, 8)
	if got, failure := put(t, p); got != 200 || failure != nil {
		t.Errorf("%d %v", got, failure)
	}
}
