package e2e

import (
	"testing"
)

// TestAnswersOutliveTheTimeoutsOfRequests: how long a client may take for its
// request is no bound of how long it is answered, streamed or whole, and a
// connection that is in use is not idle.
func TestAnswersOutliveTheTimeoutsOfRequests(t *testing.T) {
	t.Parallel()
	const tokens = 60
	_, server := newModelServer(t)
	g := site{
		server: server, extra: "read-header-timeout: 500ms, body-timeout: 500ms, idle-timeout: 500ms",
		models: map[string]string{model: "{}"},
	}.serve(t)
	s := g.listen(t, chat{user: "alice", tokens: tokens, pace: 50})
	if a := g.send(t.Context(), chat{user: "alice", tokens: tokens, pace: 50}); a.status != 200 || a.err != nil {
		t.Errorf("the answer after %v is %d %v %s", a.took, a.status, a.err, a.body)
	}
	s.finish(t, tokens)
}
