package redis

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// evalsOf returns how many whole scripts a server has got.
func evalsOf(t *testing.T, server *redistest.Server) int {
	t.Helper()
	reply, err := server.Do("INFO", "commandstats")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`cmdstat_eval:calls=(\d+)`).FindStringSubmatch(fmt.Sprint(reply))
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestForgottenScriptIsTaughtOnce: where the server has forgotten its scripts, one caller
// of all who run sends the text. A text from each would keep the server busy for longer
// than decisions may take.
func TestForgottenScriptIsTaughtOnce(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient, heartbeat: -1})
	p := minute(t, 1<<40)
	s.Settle(mustReserve(t, s, p, "u", output(1)), output(1))
	mustFlush(t, s)
	for range 5 {
		command(t, server, "SCRIPT", "FLUSH")
		before := evalsOf(t, server)
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() {
				g, _, err := tryReserve(t.Context(), s, p, fmt.Sprint("u", i))
				if err != nil {
					t.Error(err)
				}
				s.Settle(g, output(1))
			})
		}
		group.Wait()
		mustFlush(t, s)
		// Of reserve and settle, and of what was rehearsed meanwhile.
		if n := evalsOf(t, server) - before; n > 8 {
			t.Errorf("%d whole scripts were sent for 64 requests", n)
		}
	}
}
