package reload

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

const (
	crowd     = 16
	perSecond = 10
)

func TestMemory(t *testing.T) { change(t, "") }
func TestRedis(t *testing.T)  { change(t, redistest.Start(t).Addr) }

// duration is how long limits change.
func duration(t *testing.T) time.Duration {
	text := os.Getenv("RELOAD_FOR")
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 10*time.Minute {
		t.Fatalf("RELOAD_FOR is %q: write a time up to 10m, such as 1m", text)
	}
	return d
}

// change runs a gateway whose configuration changes under load, and judges it.
func change(t *testing.T, redis string) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Redis: redis, Limits: "{max-tokens-per-day: 1000000000, total: {max-tokens-per-day: 2000000000}}"})
	s := site{mock: g.MockURL}
	if host, port, ok := strings.Cut(redis, ":"); ok {
		s.redis = fmt.Sprintf("redis: {host: %s, port: %s, timeout: 2s}", host, port)
	}
	done := make(chan struct{})
	reloads := make(chan int, 1)
	go func() { reloads <- reload(t, g, s, done) }()
	begun := time.Now()
	visits := load(t, g, begun.Add(duration(t)))
	took := time.Since(begun)
	close(done)
	n := <-reloads
	j := &judge{g: g, site: s, visits: visits}
	j.quiesce(t)
	t.Logf("%d requests and %d reloads in %v", len(visits), n, took.Round(time.Millisecond))
	if float64(n) < duration(t).Seconds() { // a busy machine does not manage all
		t.Errorf("there were only %d reloads in %v", n, took)
	}
	t.Run("answers", j.answers)
	t.Run("charges", j.charges)
	t.Run("accounts", func(t *testing.T) { j.accounts(t, n) })
	for text := range strings.Lines(g.Logs.String()) {
		if strings.Contains(text, `"level":"ERROR"`) || strings.Contains(text, "next start") {
			t.Errorf("the log says %s", text)
		}
	}
}

// reload changes the configuration until done is closed, and returns how often.
func reload(t *testing.T, g *apptest.Gateway, s site, done <-chan struct{}) (n int) {
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return n
		case <-tick.C:
		}
		n++
		g.WriteConfig(t, s.configuration(n))
		g.Reload()
	}
}

// load has clients send requests until the end, and on until there was one of
// every kind. It returns what became of them.
func load(t *testing.T, g *apptest.Gateway, end time.Time) (all []*visit) {
	sent := &tally{counts: map[string]int{}}
	latest := end.Add(patience)
	clients := make([]*client, crowd)
	var running sync.WaitGroup
	for i := range clients {
		transport := &http.Transport{DisableCompression: true}
		clients[i] = &client{g: g, number: i, http: http.Client{Transport: transport}}
		running.Go(func() {
			defer transport.CloseIdleConnections()
			for n := 0; time.Now().Before(end) || !sent.full() && time.Now().Before(latest); n++ {
				v, err := clients[i].send(n)
				if err != nil {
					t.Error(err)
				}
				sent.add(v)
			}
		})
	}
	running.Wait()
	t.Logf("requests by kind: %v", sent.counts)
	if !sent.full() {
		t.Error("some kind of request did not come about")
	}
	for _, c := range clients {
		all = append(all, c.visits...)
	}
	return all
}

// quiesce waits until the model server is idle and every request is logged.
func (j *judge) quiesce(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := j.g.Ledger.Quiesce(ctx); err != nil {
		t.Fatalf("the model server is not idle: %v", err)
	}
	if !apptest.Eventually(func() bool { j.read(t); return len(j.lines) == len(j.visits) }) {
		t.Fatalf("%d of %d requests have a log line", len(j.lines), len(j.visits))
	}
}
