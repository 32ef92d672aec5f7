package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// earlier is the program of an earlier version, which a rolling change begins with:
// scripts/rolling-change.sh builds it and names it here.
var earlier = os.Getenv("ROLLING_FROM")

// rollingKey is the API key that all requests of the rolling change have.
const rollingKey = "0123456789abcdef0123456789abcdef"

// keyed sends requests with an API key.
type keyed struct {
	key  string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-API-Key", k.key)
	return k.next.RoundTrip(r)
}

// fleet is the gateways that requests are sent to at the moment. It is safe for
// concurrent use.
type fleet struct {
	mu       sync.Mutex
	gateways []*gateway
}

// any returns one of the gateways.
func (f *fleet) any(random *rand.Rand) *gateway {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gateways[random.IntN(len(f.gateways))]
}

// replace adds fresh, then takes the longest-serving gateway out and returns it.
func (f *fleet) replace(fresh *gateway) (old *gateway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old = f.gateways[0]
	f.gateways = append(f.gateways[1:], fresh)
	return old
}

// TestRollingChange replaces two gateways of an earlier version by two of this one,
// one after the other, under load and on one Redis, and changes back again. What both
// versions charge is what the model server generated, no limit is exceeded, and no
// counter begins anew.
func TestRollingChange(t *testing.T) {
	if earlier == "" {
		t.Skip("there is no earlier version to begin with: run scripts/rolling-change.sh")
	}
	t.Parallel()
	const users, clients = 6, 16
	server := startModelServer(t, exact, usual)
	hash, err := identity.HashKey(rollingKey)
	if err != nil {
		t.Fatal(err)
	}
	s := site{
		auth:   fmt.Sprintf("{api-keys: [{name: portal, user: portal, hash: %q, roles: [user, admin], act-as: true}]}", hash),
		server: server.url, redis: redistest.Start(t), models: map[string]string{
			exact: fmt.Sprintf("{max-tokens-per-minute: %d, max-tokens-per-hour: 1000000, reserve: worst-case, overrun: stop, input-estimate: exact}", perUser),
			usual: fmt.Sprintf("{max-tokens-per-minute: 1000000, max-tokens-per-hour: 2000000, max-concurrent-requests: %d}", running),
		}}
	serve := func(version string) *gateway {
		own := s
		if version == earlier {
			own.service = "allow-fields: []" // it passes on what it does not know, the member mock too
		}
		p := startProgram(t, version, "serve", "--config", own.folder(t))
		c := newClient(t, "http://"+p.address(t))
		c.http.Transport = keyed{rollingKey, c.http.Transport}
		return &gateway{p, c}
	}
	f := &fleet{gateways: []*gateway{serve(earlier), serve(earlier)}}
	var seen tally
	var group sync.WaitGroup
	end := make(chan struct{})
	for n := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(11, uint64(n)))
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				default:
				}
				r := chat{
					user: fmt.Sprint("user", random.IntN(users)), model: usual, stream: random.IntN(2) == 0,
					tokens: 5 + random.IntN(120), maxTokens: 100, pace: 1 + random.IntN(2),
				}
				if (n+i)%2 == 0 {
					r.model = exact
				}
				a := f.any(random).send(t.Context(), r)
				if a.err != nil && a.status != 0 {
					t.Errorf("an answer was cut off: %v", a.err)
				}
				seen.add(a)
			}
		})
	}
	// Each version serves beside the other and alone, and the change is taken back.
	for _, version := range []string{program, program, earlier, program} {
		time.Sleep(1500 * time.Millisecond)
		old := f.replace(serve(version))
		old.signal(syscall.SIGTERM)
		if code := old.wait(t); code != 0 {
			t.Errorf("a gateway that was replaced ended with %d", code)
		}
	}
	time.Sleep(1500 * time.Millisecond)
	close(end)
	group.Wait()
	t.Log(seen.counts)
	for _, kind := range []string{"200 ", "429 tokens", "429 concurrency"} {
		if seen.counts[kind] < 20 {
			t.Errorf("%d answers were %q: the test tests nothing", seen.counts[kind], kind)
		}
		delete(seen.counts, kind)
	}
	// A client may still meet the gateway that has just been told to end.
	delete(seen.counts, fmt.Sprint(http.StatusServiceUnavailable, " server_error"))
	delete(seen.counts, "0 ")
	if len(seen.counts) > 0 {
		t.Errorf("there were other answers: %v", seen.counts)
	}
	f.judge(t, server, users)
}

// judge compares what the gateways say with the model server's ledger.
func (f *fleet) judge(t *testing.T, server *modelServer, users int) {
	t.Helper()
	last := f.gateways[len(f.gateways)-1]
	for _, name := range []string{exact, usual} {
		eventually(t, patience, "no running request of "+name, func() bool { return last.usage(t, name, "user0").running() == 0 })
	}
	told := map[[2]string]int64{}
	for i := range users {
		for _, name := range []string{exact, usual} {
			user := fmt.Sprint("user", i)
			used, reserved := f.gateways[i%len(f.gateways)].usage(t, name, user).longest()
			told[[2]string{name, user}] = used
			if reserved != 0 {
				t.Errorf("%d are reserved for %s on %s", reserved, user, name)
			}
		}
	}
	b := server.books(t)
	for who, used := range told {
		own := b.of(who[0], who[1])
		if used != own.tokens() {
			t.Errorf("%v: %d are used, the ledger has %d", who, used, own.tokens())
		}
		if most := own.fullest(time.Minute - time.Second); who[0] == exact && most > perUser {
			t.Errorf("%v: %d tokens in a minute, the limit is %d", who, most, perUser)
		}
	}
	if n := b.of(usual, "").maxRunning(); n > running {
		t.Errorf("%d requests were running at once, and may be %d", n, running)
	}
}
