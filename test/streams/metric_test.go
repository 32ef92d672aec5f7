package streams

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestStreamMetrics checks what the histograms of streams say of a model server
// whose pace is known: the first token is not the first event, which comes
// before any work (a comment, an opening), and errors and stops count for none.
func TestStreamMetrics(t *testing.T) {
	const ttft, interval, output = 80 * time.Millisecond, 10 * time.Millisecond, 11
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000}"})
	pace := fmt.Sprintf(`"output_tokens":%d,"token_ms":%d,"ttft_ms":%d,"ping":true`, output, interval.Milliseconds(), ttft.Milliseconds())
	streams := 0
	for _, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		for _, comments := range []string{``, `,"comments":true`} {
			open(t, g.URL, path, "alice", "", streamed(path, ``, pace+comments)).all(t)
			streams++
		}
	}
	open(t, g.URL, chatPath, "alice", "", streamed(chatPath, ``, `"fail":"reset","after_tokens":3`)).all(t)
	open(t, g.URL, chatPath, "alice", "", body(chatPath, ``, ``)).all(t)
	idle(t, g)
	checkMean(t, g, "model_time_to_first_token_seconds", streams, ttft)
	checkMean(t, g, "model_time_per_output_token_seconds", streams, interval)
	if n := metric(t, g, "model_request_duration_seconds_count", `code="200"`, `endpoint="chat_completions"`); n != 3 {
		t.Errorf("%v chat completions were answered with 200, want 3", n)
	}
	if n := metric(t, g, "model_request_duration_seconds_count", `code="599"`); n != 1 {
		t.Errorf("%v streams broke off, want 1", n)
	}
	if n := metric(t, g, "model_upstream_errors_total"); n != 1 {
		t.Errorf("%v answers broke off, want 1", n)
	}
	total := g.Ledger.Sum(apptest.Model, "")
	if in, out := metric(t, g, "token_usage_total", `type="input"`), metric(t, g, "token_usage_total", `type="output"`); int64(in) != total.Input || int64(out) < total.Output {
		t.Errorf("%v and %v tokens were used, the ledger says %+v", in, out, total)
	}
}

// checkMean checks how many streams a histogram has and their mean: no shorter
// than the model server's time, and not longer by more than a busy machine makes them.
func checkMean(t *testing.T, g *apptest.Gateway, name string, streams int, want time.Duration) {
	t.Helper()
	count, sum := metric(t, g, name+"_count"), metric(t, g, name+"_sum")
	mean := time.Duration(sum / math.Max(count, 1) * float64(time.Second))
	if int(count) != streams || mean < want*95/100 || mean > 20*want {
		t.Errorf("%s has %v streams of %v, want %d of %v", name, count, mean, streams, want)
	}
}
