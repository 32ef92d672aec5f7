package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// lease is how long the running requests of a gateway count that is not heard
// of any more; leaseSlack is for a busy machine.
const (
	lease      = 10 * time.Second
	leaseSlack = 3 * time.Second
)

// TestSlotsOfAKilledGatewayAreFreeWithinTheLease: a gateway dies under 200
// streams. Their slots are free within the lease and not before, the streams
// end at the model server at once, and what was charged stays charged.
func TestSlotsOfAKilledGatewayAreFreeWithinTheLease(t *testing.T) {
	t.Parallel()
	const slots = 200
	ledger, server := newModelServer(t)
	s := site{server: server, redis: redistest.Start(t), models: map[string]string{
		// Enough for every stream to need no top-up while the test looks.
		model: fmt.Sprintf("{max-tokens-per-hour: 10000000, max-concurrent-requests: %d, default-output-tokens: 1000}", slots),
	}}
	doomed, other := s.serve(t), s.serve(t)
	for range slots {
		doomed.listen(t, chat{user: "alice", tokens: 900, pace: 200}).await(t, 1)
	}
	probe := chat{user: "bob", tokens: 5}
	if a := other.send(t.Context(), probe); a.status != http.StatusTooManyRequests || a.failure().Error.Type != "concurrency" {
		t.Fatalf("with every slot taken the other gateway answers %d %s", a.status, a.body)
	}
	used, charged := other.usage(t, model, "alice").longest()
	if used != 0 || charged < slots*1000 {
		t.Fatalf("before the crash %d are used and %d reserved", used, charged)
	}

	doomed.kill()
	killed := time.Now()
	eventually(t, patience, "a model server that works on nothing", func() bool { return ledger.InFlight(model) == 0 })
	denied := 0
	eventually(t, lease+leaseSlack, "a free slot", func() bool {
		a := other.send(t.Context(), probe)
		if a.status == http.StatusTooManyRequests && a.failure().Error.Type == "concurrency" {
			denied++
			return false
		}
		if a.status != http.StatusOK {
			t.Fatalf("the other gateway answers %d %s", a.status, a.body)
		}
		return true
	})
	freed := time.Since(killed)
	t.Logf("free after %v and %d denials", freed.Round(time.Millisecond), denied)
	if freed < time.Second || denied == 0 {
		t.Errorf("the slots are free after %v: nothing held them", freed)
	}
	for range slots { // all of them are free, not just one
		other.listen(t, chat{user: "bob", tokens: 900, pace: 200}).await(t, 1)
	}
	if a := other.send(t.Context(), probe); a.status != http.StatusTooManyRequests {
		t.Errorf("one more than the limit is answered with %d", a.status)
	}
	if n := ledger.MaxRunning(model); n != slots {
		t.Errorf("%d requests were running at once, and may be %d", n, slots)
	}
	if used, reserved := other.usage(t, model, "alice").longest(); used != charged || reserved != 0 {
		t.Errorf("%d are used and %d reserved; the killed gateway had charged %d", used, reserved, charged)
	}
	if total := ledger.Sum(model, "alice"); total.Input+total.Output > charged {
		t.Errorf("the ledger has %+v, more than the %d charged", total, charged)
	}
}
