package app_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/control"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// changing is a source of keys and limits that a test changes.
type changing struct {
	mu    sync.Mutex
	n     int
	layer control.Layer
	tell  func()
}

func (r *changing) Name() string { return "registry" }

func (r *changing) Read(context.Context) (control.Layer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.layer, nil
}

func (r *changing) Watch(ctx context.Context, changed func()) {
	r.mu.Lock()
	r.tell = changed
	r.mu.Unlock()
	<-ctx.Done()
}

// manyRequests is above every limit of requests that the files set.
const manyRequests = 1_000_000

// change makes the next version: one key stays, one comes and one goes, and the limit grows.
func (r *changing) change() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	key := func(name string) config.APIKey {
		return config.APIKey{Name: name, User: "bob", Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))), Roles: []identity.Role{identity.User}}
	}
	r.layer = control.Layer{
		Version: strconv.Itoa(r.n),
		Keys:    []config.APIKey{key("steady"), key(fmt.Sprint("rotated-", r.n))},
		Limits: map[string]control.Limits{apptest.Model: {User: config.Limits{Windows: []limit.Limit{
			{Meter: limit.Requests, Window: limit.Day, Max: manyRequests + int64(r.n)},
		}}}},
	}
	if r.tell != nil {
		r.tell()
	}
}

// asks sends a request with a key, and returns its status and the limit that it was told.
func asks(t *testing.T, g *apptest.Gateway, model, key string) (status int, limit int64) {
	t.Helper()
	r := g.Request(t.Context(), "/v1/chat/completions", "", fmt.Sprintf(`{"model":%q,"max_tokens":5,%s}`, model, message))
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := g.Client.Do(r)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	_ = response.Body.Close()
	limit, _ = strconv.ParseInt(response.Header.Get("X-Ratelimit-Limit-Requests"), 10, 64)
	return response.StatusCode, limit
}

// TestSourcesBesideFilesUnderLoad changes limits and keys ten times a second, and the files as
// often, while users with keys of both send requests: none is lost, no limit goes back or is
// the files', and every request is counted.
func TestSourcesBesideFilesUnderLoad(t *testing.T) {
	files := func(n int) func(*apptest.Options) {
		return func(o *apptest.Options) {
			o.Aliases = []string{fmt.Sprint("alias-", n)}
			o.Limits = fmt.Sprintf("{max-requests-per-day: %d}", 1+n)
			o.Config = fmt.Sprintf("auth: {api-keys: [{name: ours, user: alice, hash: 'sha256:%x', roles: [user, admin]}, {name: ours-%d, user: eve, hash: 'sha256:%x', roles: [user]}]}\n",
				sha256.Sum256([]byte("ours")), n, sha256.Sum256([]byte(fmt.Sprint("ours-", n))))
		}
	}
	r := &changing{}
	r.change()
	o := apptest.Options{Reloads: true, Auth: true, Sources: []control.Source{r}}
	files(1)(&o)
	g := apptest.Start(t, o)
	const rounds = 30
	done := make(chan struct{})
	var running sync.WaitGroup
	sent := map[string]*int64{"ours": new(int64), "steady": new(int64)}
	for key, count := range sent {
		running.Go(func() {
			for last := int64(manyRequests + 1); ; *count++ {
				select {
				case <-done:
					return
				default:
				}
				status, limit := asks(t, g, apptest.Model, key)
				if status != http.StatusOK || limit < last {
					t.Errorf("request %d with the key %s: %d under a limit of %d, and before of %d", *count, key, status, limit, last)
				}
				last = limit
			}
		})
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 2; n <= rounds; n++ {
		<-tick.C
		g.Configure(t, files(n))
		g.Reload()
		r.change()
	}
	close(done)
	running.Wait()
	g.Reload()
	for key, want := range map[string]int{
		fmt.Sprint("rotated-", rounds): 200, fmt.Sprint("rotated-", rounds-1): 401, fmt.Sprint("ours-", rounds): 200, fmt.Sprint("ours-", rounds-1): 401,
	} {
		if status, limit := asks(t, g, fmt.Sprint("alias-", rounds), key); status != want || want == 200 && limit != 0 {
			t.Errorf("at last the key %s gets %d under a limit of %d, want %d", key, status, limit, want)
		}
	}
	for key, user := range map[string]string{"ours": "alice", "steady": "bob"} {
		_, body := apptest.Fetch(t, g.Client, g.URL+"/api/v1/admin/token-usage/"+apptest.Model+"/"+user, "ours")
		if want := fmt.Sprintf(`"used":%d,`, *sent[key]); *sent[key] < rounds || !strings.Contains(body, want) || !strings.Contains(body, fmt.Sprint(`"limit":`, manyRequests+rounds)) {
			t.Errorf("%s has sent %d requests, and has used %s", user, *sent[key], body)
		}
	}
	if log := g.Logs.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Count(log, `"source":"registry"`) < rounds/3 || strings.Count(log, `"source":"files"`) < rounds/3 {
		t.Errorf("the log says %s", log)
	}
}
