package monitoring_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// load is clients of a site, and what goes wrong there one thing after the other.
type load struct {
	*site
	client *http.Client
	ctx    context.Context
	group  sync.WaitGroup
}

// run keeps clients busy for as long as the script takes, and at least for d.
func (s *site) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &load{site: s, ctx: ctx, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 50, // this test's own certificate
	}}}
	defer l.client.CloseIdleConnections()
	begun := time.Now()
	for n := range 8 {
		l.group.Go(func() { l.work(n) })
	}
	for _, step := range l.script() {
		before := time.Now()
		step.run(t)
		t.Logf("%5.1f s: %s", before.Sub(begun).Seconds(), step.what)
		// Each has some scrapes of its own.
		time.Sleep(2*time.Second + (d-40*time.Second)/time.Duration(len(l.script())))
	}
	cancel()
	l.group.Wait()
}

// work is one client: requests as there are most of.
func (l *load) work(n int) {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for l.ctx.Err() == nil {
		at := random.IntN(len(l.gateways))
		tokens := 10 + random.IntN(60)
		l.ask(at, "user"+fmt.Sprint(n), busyModel, fmt.Sprintf(`"stream":%t,"mock":{"output_tokens":%d}`, n%2 == 0, tokens))
		if n == 0 {
			l.ask(at, fmt.Sprint("user", random.IntN(6)), strictModel, `"mock":{"output_tokens":30}`)
			l.ask(at, "user0", brokenModel, `"max_tokens":20`)
			l.ask(at, "user0", flakyModel, `"max_tokens":20`)
		}
		time.Sleep(time.Duration(20+random.IntN(60)) * time.Millisecond)
	}
}

// ask sends a chat with further members to a gateway, and reads the answer to its end. What comes
// of it is for the gateway to count.
func (l *load) ask(at int, user, model, members string) {
	l.askWithin(l.ctx, at, user, model, members)
}

func (l *load) askWithin(ctx context.Context, at int, user, model, members string) {
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Tell me a story."}],%s}`, model, members)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.gateways[at].url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err) // of this file
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+loadKey)
	r.Header.Set("X-User-ID", user)
	response, err := l.client.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body) // an answer that breaks off is what is wanted
	response.Body.Close()
}

// step is something that happens, mostly bad.
type step struct {
	what string
	run  func(*testing.T)
}

// script is every kind of failure that gateways tell of in metrics, but for those that nothing on
// this machine can bring about: a fault of the gateway, and a clock of Redis that steps.
func (l *load) script() []step {
	mocks := func(n int, model string, members ...string) func(*testing.T) {
		return func(*testing.T) { l.together(n, model, members...) }
	}
	broken := []string{`"stream":true,"mock":{"output_tokens":50,"after_tokens":10,"fail":"reset"}`, `"stream":true,"mock":{"output_tokens":50,"after_tokens":10,"fail":"error"}`}
	return []step{
		{"nothing special", func(*testing.T) {}},
		{"every limit is in the way", func(*testing.T) { l.exhaust() }},
		{"model servers fail", mocks(6, flakyModel, `"mock":{"status":500}`, `"mock":{"fail":"reset-before-byte"}`, `"mock":{"fail":"malformed"}`, `"mock":{"fail":"queue-full"}`)},
		{"answers break off", mocks(6, flakyModel, broken...)},
		{"and again: a rate needs two", mocks(6, flakyModel, broken...)},
		{"a model server stalls", mocks(3, flakyModel, `"stream":true,"mock":{"output_tokens":50,"after_tokens":5,"fail":"stall"}`)},
		{"usage is missing", mocks(6, flakyModel, `"mock":{"usage":"none"}`, `"stream":true,"mock":{"usage":"none"}`)},
		{"usage is unreadable or implausible", mocks(6, flakyModel, `"mock":{"output_count":"-1"}`, `"mock":{"output_count":"99999999"}`)},
		{"answers are longer and shorter than was thought", mocks(4, strictModel, `"mock":{"output_tokens":2000}`, `"max_tokens":200,"mock":{"output_tokens":1}`)},
		{"answers are very long", mocks(16, busyModel, `"mock":{"output_tokens":6000,"token_ms":1}`)},
		{"clients leave", func(*testing.T) { l.leave() }},
		{"requests fail until the breaker opens", func(*testing.T) { l.breakIt(6 * time.Second) }},
		{"a model server goes away", func(t *testing.T) { l.otherProcess.Stop(t) }},
		{"it comes back", func(t *testing.T) { l.otherProcess = l.serveModels(t, l.other) }},
		{"a model without a server is asked", mocks(3, lostModel, `"max_tokens":5`)},
		{"Redis is away", func(*testing.T) { l.pauseRedis(4 * time.Second) }},
		{"Redis loses its data", func(t *testing.T) { l.loseData(t) }},
		{"Redis refuses one model", func(t *testing.T) { l.spoil(t) }},
		{"a configuration is wrong, and mended", func(t *testing.T) { l.reload(t) }},
	}
}

// together sends requests with each of the members at the same time, n of each, by several users.
func (l *load) together(n int, model string, members ...string) {
	var group sync.WaitGroup
	for _, m := range members {
		for i := range n {
			group.Go(func() { l.ask(i%2, fmt.Sprint("user", i), model, m) })
		}
	}
	group.Wait()
}

// exhaust meets every limit of the strict model, and the one of the shared.
func (l *load) exhaust() {
	for range 2 { // tokens and output
		l.ask(0, "hungry", strictModel, `"max_tokens":399,"mock":{"output_tokens":399}`)
	}
	for range 3 { // input
		l.ask(0, "reader", strictModel, `"max_tokens":1,"tools":[{"type":"function","function":{"name":"f","description":"`+strings.Repeat("many words ", 60)+`"}}]`)
	}
	l.together(8, strictModel, `"mock":{"output_tokens":100}`) // running at once
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() { l.ask(i%2, "impatient", strictModel, `"mock":{"output_tokens":100}`) }) // of one user
	}
	group.Wait()
	for range 16 {
		l.ask(0, "greedy", strictModel, `"max_tokens":1`) // requests
	}
	l.together(6, sharedModel, `"max_tokens":100,"mock":{"output_tokens":100}`)
}

// leave ends requests before their answers begin, and in their midst.
func (l *load) leave() {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(l.ctx, time.Duration(10+40*i)*time.Millisecond)
			defer cancel()
			l.askWithin(ctx, i%2, "hasty", busyModel, `"stream":true,"mock":{"output_tokens":200}`)
		})
	}
	group.Wait()
}

// breakIt has the requests of all users of a model fail for a while.
func (l *load) breakIt(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && l.ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		l.together(4, brokenModel, `"mock":{"status":500}`)
	}
}

// loseData empties Redis while requests are running.
func (l *load) loseData(t *testing.T) {
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			l.ask(i%2, "patient", busyModel, `"stream":true,"mock":{"output_tokens":800}`) // three seconds
		})
	}
	for range 5 { // some end before their gateway has noticed, and some after
		time.Sleep(300 * time.Millisecond)
		l.askRedis(t, "FLUSHALL")
	}
	group.Wait()
}

// spoil writes a key of a model as somebody else would, and removes it.
func (l *load) spoil(t *testing.T) {
	key := "token:concurrent:{" + brokenModel + "}"
	l.askRedis(t, "SET", key, "foreign")
	time.Sleep(4 * time.Second)
	l.askRedis(t, "DEL", key)
}

// reload gives the second gateway a configuration with a mistake, and the first one a good one.
func (l *load) reload(t *testing.T) {
	g := l.gateways[1]
	name := filepath.Join(g.folder, "application.yml")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	g.configure(t, string(good)+"\nnonsense: true\n")
	time.Sleep(3 * time.Second)
	g.configure(t, string(good)+"\nlogging: {level: warn}\n")
}
