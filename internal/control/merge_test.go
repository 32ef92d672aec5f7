package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// other is a source that says what it is told to.
type other struct {
	name  string
	mu    sync.Mutex
	layer Layer
	err   error
	tell  func()
}

func (o *other) Name() string { return o.name }

func (o *other) Read(context.Context) (Layer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.layer, o.err
}

func (o *other) Watch(ctx context.Context, changed func()) {
	o.mu.Lock()
	o.tell = changed
	o.mu.Unlock()
	<-ctx.Done()
}

// say changes what the source wants.
func (o *other) say(p Layer, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.layer, o.err = p, err
	if o.tell != nil {
		o.tell()
	}
}

// perDay are limits of so many requests of each user.
func perDay(n int64) Limits {
	return Limits{User: config.Limits{Windows: []limit.Limit{{Meter: limit.Requests, Window: limit.Day, Max: n}}}}
}

// dayOf returns the limit of requests that a state has for a model; 0: none.
func dayOf(s State, model string) int64 {
	for _, w := range s.Config.RateLimit.Models[model].User.Windows {
		return w.Max
	}
	return 0
}

// version is the nth layer of a source: a key and the limits of a model have its number.
func version(name string, n int) Layer {
	return Layer{
		Version: fmt.Sprint(n),
		Keys:    []config.APIKey{{Name: fmt.Sprint(name, " ", n), User: "u", Hash: fmt.Sprint("hash of ", name, " ", n), Roles: []identity.Role{identity.User}}},
		Limits:  map[string]Limits{name: perDay(int64(n))},
	}
}

// served returns the source of a folder whose file serves the models, and what writes its nth
// version.
func served(t *testing.T) (*Files, *config.Config, func(n int)) {
	t.Helper()
	dir := t.TempDir()
	write := func(n int) {
		text := fmt.Sprintf("vllm: {services: {a: 'http://a:1', b: 'http://b:1'}}\n"+
			"auth: {api-keys: [{name: file %d, user: u, hash: 'sha256:%064d', roles: [user]}]}\n"+
			"token: {rate-limit: {default-output-tokens: %d}}\n", n, n, n)
		next := filepath.Join(dir, "next")
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "application.yml")); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	o := config.Options{Dir: dir, Env: func(string) (string, bool) { return "", false }}
	c, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return NewFiles(o, slog.New(slog.DiscardHandler)), c, write
}

// numbers returns the versions that a state is made of: of the files, of a, of b. It fails
// where the layers of one source are of two versions.
func numbers(s State) (n [3]int, err error) {
	for i, name := range []string{"file", "a", "b"} {
		keys := 0
		for _, k := range s.Config.Auth.APIKeys {
			if digits, of := strings.CutPrefix(k.Name, name+" "); of {
				keys++
				if _, err := fmt.Sscan(digits, &n[i]); err != nil {
					return n, err
				}
			}
		}
		limits := s.Config.RateLimit.DefaultOutputTokens
		if i > 0 {
			limits = dayOf(s, name)
		}
		if keys != 1 || limits != int64(n[i]) {
			return n, fmt.Errorf("of %s there are %d keys, the last of version %d, and limits of version %d", name, keys, n[i], limits)
		}
	}
	return n, nil
}

// TestSourcesBesideFiles changes two sources and the files in any order, some of it at the same
// time: each state is of one version of each, which never go back, and at last of the newest.
func TestSourcesBesideFiles(t *testing.T) {
	files, c, write := served(t)
	a, b := &other{name: "a", layer: version("a", 1)}, &other{name: "b", layer: version("b", 1)}
	var last [3]int
	var revision uint64
	r := start(t, Options{Config: c, Files: files, Sources: []Source{a, b}, Apply: func(s State) ([]string, error) {
		n, err := numbers(s)
		for i := range n {
			if n[i] < last[i] {
				t.Errorf("revision %d has gone back from %v to %v", s.Revision, last, n)
			}
		}
		if err != nil || s.Revision != revision+1 {
			t.Errorf("revision %d after %d: %v", s.Revision, revision, err)
		}
		last, revision = n, s.Revision
		return nil, nil
	}})
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test that can be repeated
	n := [3]int{1, 1, 1}
	for range 300 {
		var reading sync.WaitGroup
		for range random.IntN(3) {
			reading.Go(func() { r.Reload(t.Context()) })
		}
		switch i := random.IntN(3); i {
		case 0:
			n[i]++
			write(n[i])
		case 1:
			n[i]++
			a.say(version("a", n[i]), nil)
		case 2:
			n[i]++
			b.say(version("b", n[i]), nil)
		}
		reading.Wait()
	}
	r.Reload(t.Context())
	if last != n {
		t.Errorf("what is served is of the versions %v, and what was said last %v", last, n)
	}
	if revision < 100 {
		t.Errorf("only %d states were applied", revision)
	}
}

// TestWrongLayerStandsInNobodysWay: the layers of other sources are applied, what the source said
// before stands, the log names it once, and it is applied once nothing is in its way.
func TestWrongLayerStandsInNobodysWay(t *testing.T) {
	files, c, write := served(t)
	a, b := &other{name: "a", layer: version("a", 1)}, &other{name: "b", layer: version("b", 1)}
	var log strings.Builder
	r := start(t, Options{Config: c, Files: files, Sources: []Source{a, b}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	nobodys, odd, unversioned := version("b", 2), version("b", 2), version("b", 6)
	nobodys.Keys[0].User = ""
	odd.Keys[0].Roles, odd.Version = []identity.Role{"Typo"}, "odd"
	unversioned.Version = ""
	less := version("b", 2)
	less.Version, less.Limits["b"] = "less", Limits{Total: config.Limits{Concurrent: new(int64(-5))}}
	clash := version("b", 2)
	clash.Keys = append(clash.Keys, version("a", 3).Keys...)
	clash.Version = "clash"
	for _, step := range []struct {
		name string
		do   func()
		want [3]int
		says string // in the log; "" where it says of nothing that it is wrong
	}{
		{"nothing", func() {}, [3]int{1, 1, 1}, ""},
		{"a key of nobody", func() { b.say(nobodys, nil) }, [3]int{1, 1, 1}, "the source b: the API key"},
		{"a role that cannot be", func() { b.say(odd, nil) }, [3]int{1, 1, 1}, "Typo"},
		{"less than no request at once", func() { b.say(less, nil) }, [3]int{1, 1, 1}, "the limits of the model b"},
		{"the same, and the files", func() { write(2) }, [3]int{2, 1, 1}, ""},
		{"the same, and another source", func() { a.say(version("a", 3), nil) }, [3]int{2, 3, 1}, ""},
		{"two keys of one name", func() { b.say(clash, nil) }, [3]int{2, 3, 1}, "two API keys have the name"},
		{"away", func() { b.say(Layer{}, errors.New("no connection")) }, [3]int{2, 3, 1}, "the source b: no connection"},
		{"away, in other words", func() { b.say(Layer{}, errors.New("no address")) }, [3]int{2, 3, 1}, ""},
		{"away, and the files", func() { write(3) }, [3]int{3, 3, 1}, ""},
		{"two keys of one name again", func() { b.say(clash, nil) }, [3]int{3, 3, 1}, "two API keys have the name"},
		{"the other one gone", func() { a.say(version("a", 4), nil) }, [3]int{3, 4, 2}, ""},
		{"all is well", func() { b.say(version("b", 5), nil) }, [3]int{3, 4, 5}, ""},
		{"a source that tells no version", func() { b.say(unversioned, nil) }, [3]int{3, 4, 6}, ""},
	} {
		log.Reset()
		step.do()
		for range 3 {
			r.reconcile(t.Context(), seen)
		}
		got := [3]int{int(r.State().Config.RateLimit.DefaultOutputTokens), int(dayOf(r.State(), "a")), int(dayOf(r.State(), "b"))}
		if got != step.want {
			t.Errorf("%s: what is served is of the versions %v, want %v", step.name, got, step.want)
		}
		if told := strings.Count(log.String(), "level=ERROR"); told != min(1, len(step.says)) || told > 0 && !strings.Contains(log.String(), step.says) {
			t.Errorf("%s: the log says %s", step.name, log.String())
		}
	}
}

// TestRunFollowsSources: what a source tells of is applied without being asked for, also where
// it was wrong or away when it told.
func TestRunFollowsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &config.Config{RateLimit: config.RateLimit{Models: map[string]config.Model{"a": {}}}}
		a := &other{name: "a", layer: version("a", 1)}
		r := start(t, Options{Config: c, Sources: []Source{a}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		await := func(n int64) {
			t.Helper()
			time.Sleep(lookInterval + restFor)
			synctest.Wait()
			if got := dayOf(r.State(), "a"); got != n {
				t.Errorf("what is served is of version %d, want %d", got, n)
			}
		}
		await(1)
		a.say(version("a", 2), nil)
		await(2)
		a.say(Layer{}, errors.New("away"))
		await(2)
		a.tell = nil
		a.say(version("a", 3), nil) // nobody tells
		await(3)
		stop()
		<-done
		a.say(version("a", 4), nil)
		r.Close()
		r.Reload(t.Context())
		if got := r.State().Revision; got != 3 {
			t.Errorf("revision %d is served after the end, want 3", got)
		}
	})
}

// TestLimitsOfAModelThatHasNone are a warning that names their source, whoever has taken the
// model away: the files may, and the limits count when it is back.
func TestLimitsOfAModelThatHasNone(t *testing.T) {
	a := &other{name: "a", layer: Layer{Version: "1", Limits: map[string]Limits{"a": perDay(7)}}}
	served := &config.Config{RateLimit: config.RateLimit{Models: map[string]config.Model{"a": {Settings: config.Settings{MaxDebt: 3}}}}}
	for _, tt := range []struct {
		files    *config.Config
		limit    int64
		warnings int
	}{{served, 7, 0}, {&config.Config{}, 0, 1}} {
		r := start(t, Options{Config: tt.files, Sources: []Source{a}})
		warnings := r.State().Warnings()
		if got := dayOf(r.State(), "a"); got != tt.limit || len(warnings) != tt.warnings {
			t.Errorf("the limit is %d, and warned is of %q", got, warnings)
		}
		if len(warnings) > 0 && !strings.HasPrefix(warnings[0], "a: token.rate-limit.models.a: has limits") {
			t.Errorf("the warning is %q", warnings[0])
		}
	}
	if got := served.RateLimit.Models["a"]; got.User.Any() || got.MaxDebt != 3 {
		t.Errorf("what the files said has become %+v", got)
	}
}
