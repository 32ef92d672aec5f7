package identity

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// reachOf returns a reach of lists that are written with spaces, "" for all and "-" for Nothing.
func reachOf(t testing.TB, models, endpoints string) *Reach {
	t.Helper()
	if models == "-" {
		return Nothing
	}
	s, err := NewReach(strings.Fields(models), strings.Fields(endpoints))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// allows reports whether a reach has a model at an endpoint, as requests are asked.
func allows(s *Reach, model string, at wire.Endpoint) bool {
	return s.AllowsEndpoint(at) && s.AllowsModel(model)
}

// TestReach: what a credential may use, by the lists of its reach.
func TestReach(t *testing.T) {
	for _, tt := range []struct {
		models, endpoints, model string
		at                       wire.Endpoint
		allowed                  bool
	}{
		{"", "", "llama2-7b", wire.ChatCompletions, true},
		{"*", "", "llama2-7b", wire.ChatCompletions, true},
		{"llama2-7b", "", "llama2-7b", wire.ChatCompletions, true},
		{"llama2-7b", "", "llama2-70b", wire.ChatCompletions, false},
		{"llama2-7b", "", "Llama2-7b", wire.ChatCompletions, false},
		{"llama2-*", "", "llama2-", wire.ChatCompletions, true},
		{"llama2-*", "", "llama2", wire.ChatCompletions, false},
		{"meta/*", "", "meta/llama/2", wire.ChatCompletions, true},
		{"*-7b", "", "llama2-7b", wire.ChatCompletions, true},
		{"*-7b", "", "llama2-7b-q4", wire.ChatCompletions, false},
		{"l*2*b", "", "llama2-7b", wire.ChatCompletions, true},
		{"qwen llama2-*", "", "llama2-7b", wire.ChatCompletions, true},
		{"?lama2-7b", "", "llama2-7b", wire.ChatCompletions, false},
		{"-", "", "llama2-7b", wire.ChatCompletions, false},
		{"-", "", "", wire.ChatCompletions, false},
		{"a*", "", strings.Repeat("a", limit.NameBytesMax), wire.ChatCompletions, true},
		{"a*", "", strings.Repeat("a", limit.NameBytesMax+1), wire.ChatCompletions, false},
		{"", "embeddings", "llama2-7b", wire.Embeddings, true},
		{"", "embeddings", "llama2-7b", wire.ChatCompletions, false},
		{"", "embeddings chat_completions", "llama2-7b", wire.ChatCompletions, true},
		{"qwen", "embeddings", "llama2-7b", wire.Embeddings, false},
		{"qwen", "embeddings", "qwen", wire.Score, false},
	} {
		if got := allows(reachOf(t, tt.models, tt.endpoints), tt.model, tt.at); got != tt.allowed {
			t.Errorf("with the models %q and the endpoints %q, %s at %s: %v", tt.models, tt.endpoints, tt.model, tt.at, got)
		}
	}
	for _, e := range wire.Endpoints { // each is one of its own
		s := reachOf(t, "", e.String())
		for _, other := range wire.Endpoints {
			if s.AllowsEndpoint(other) != (e == other) {
				t.Errorf("the reach of %s, at %s: %v", e, other, s.AllowsEndpoint(other))
			}
		}
	}
}

// TestNewReachRefuses: what is wrong with lists, and where.
func TestNewReachRefuses(t *testing.T) {
	many := strings.Split(strings.Repeat("m,", ReachModelsMax)+"m", ",")
	long := strings.Split(strings.Repeat(strings.Repeat("m", 256)+" ", 17), " ")
	for _, tt := range []struct {
		models, endpoints []string
		want              string
	}{
		{[]string{"a", ""}, nil, `models[1] "" is empty`},
		{[]string{"\xff"}, nil, `models[0] "\xff" is not valid UTF-8`},
		{[]string{strings.Repeat("m", 257)}, nil, `has 257 bytes, more than 256`},
		{many, nil, "models has 101 names, more than 100"},
		{long[:16:16], []string{"chat"}, "is no endpoint"},
		{long[:17:17], nil, "models has names of 4352 bytes, more than 4096"},
		{nil, []string{"chat"}, `endpoints[0] "chat" is no endpoint: there are chat_completions, completions`},
		{nil, []string{""}, `endpoints[0] "" is no endpoint`},
	} {
		s, err := NewReach(tt.models, tt.endpoints)
		var wrong *ReachError
		if !errors.As(err, &wrong) || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("of %.40q and %q: %v, %v, want %q", tt.models, tt.endpoints, s, err, tt.want)
		}
	}
	if s, err := NewReach(many[:ReachModelsMax], nil); err != nil || len(s.Models()) != ReachModelsMax {
		t.Errorf("of as many models as there may be: %v", err)
	}
	if s, err := NewReach(nil, strings.Fields(strings.Repeat("score rerank ", 1000))); err != nil || len(s.Endpoints()) != 2 {
		t.Errorf("of endpoints that are there twice: %d, %v", len(s.Endpoints()), err)
	}
	if s, err := NewReach([]string{}, []string{}); s != nil || err != nil || s.Models() != nil || s.Endpoints() != nil {
		t.Errorf("of empty lists: %v, %v", s, err)
	}
}

// TestWithin: whether one reach is within another is what trying every short name finds. Names have
// one letter that no pattern has, as there always is one.
func TestWithin(t *testing.T) {
	var names []string
	for generation := []string{""}; len(names) < 3000; {
		names = append(names, generation...)
		var next []string
		for _, n := range generation {
			next = append(next, n+"a", n+"b", n+"#")
		}
		generation = next
	}
	random := rand.New(rand.NewPCG(14, 3))
	pattern := func() string {
		b := make([]byte, 1+random.IntN(4))
		for i := range b {
			b[i] = "ab*"[random.IntN(3)]
		}
		return string(b)
	}
	within := 0
	for range 3000 {
		inner, outer := reachOf(t, pattern()+" "+pattern(), ""), reachOf(t, pattern()+" "+pattern(), "")
		beyond, some := "", false
		for _, n := range names {
			if inner.AllowsModel(n) && !outer.AllowsModel(n) {
				beyond, some = n, true
				break
			}
		}
		if got := inner.Within(outer); got == some {
			t.Fatalf("%q within %q: %v, and the first name is beyond: %v, %q", inner.models, outer.models, got, some, beyond)
		} else if got {
			within++
		}
	}
	if within < 100 {
		t.Errorf("%d pairs of 3000 were within each other, too few to tell", within)
	}
}

// TestWithinLists: all and nothing are ends of the order, and both lists count.
func TestWithinLists(t *testing.T) {
	for _, tt := range []struct {
		inner, outer [2]string
		within       bool
	}{
		{[2]string{"", ""}, [2]string{"", ""}, true},
		{[2]string{"a", "score"}, [2]string{"", ""}, true},
		{[2]string{"", ""}, [2]string{"*", ""}, false}, // but by name
		{[2]string{"*", ""}, [2]string{"*", ""}, true},
		{[2]string{"", ""}, [2]string{"a", ""}, false},
		{[2]string{"", ""}, [2]string{"", "score"}, false},
		{[2]string{"-", ""}, [2]string{"a", ""}, true},
		{[2]string{"-", ""}, [2]string{"-", ""}, true},
		{[2]string{"a", ""}, [2]string{"-", ""}, false},
		{[2]string{"a b", ""}, [2]string{"b c a", ""}, true},
		{[2]string{"a b", ""}, [2]string{"b c", ""}, false},
		{[2]string{"a", "score rerank"}, [2]string{"*", "rerank score pooling"}, true},
		{[2]string{"a", "score rerank"}, [2]string{"*", "score"}, false},
		{[2]string{"a", ""}, [2]string{"a", "score"}, false},
	} {
		inner, outer := reachOf(t, tt.inner[0], tt.inner[1]), reachOf(t, tt.outer[0], tt.outer[1])
		if got := inner.Within(outer); got != tt.within {
			t.Errorf("%q within %q: %v", tt.inner, tt.outer, got)
		}
		if !inner.Equal(inner) || inner.Equal(outer) != (tt.inner == tt.outer) {
			t.Errorf("%q is %q: %v", tt.inner, tt.outer, inner.Equal(outer))
		}
	}
}

// FuzzMatches: a pattern stands for what the regular expression of it does.
func FuzzMatches(f *testing.F) {
	for _, s := range [][2]string{{"llama2-*", "llama2-7b"}, {"*", ""}, {"a*b*c", "aXbbXc"}, {"**a", "aaa"}, {"", ""}, {"a\n*", "a\nb\n"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if CheckModelPattern(pattern) != nil || CheckUser(name) != nil {
			return
		}
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		want := regexp.MustCompile(`\A(?s:` + strings.Join(parts, ".*") + `)\z`).MatchString(name)
		if got := matches(pattern, name); got != want {
			t.Errorf("%q stands for %q: %v, want %v", pattern, name, got, want)
		}
	})
}

// TestAskingAllocatesNothing: a request is asked for its permission and its reach without an allocation.
func TestAskingAllocatesNothing(t *testing.T) {
	p := Principal{Permissions: PermissionsOf([]Role{User}), Reach: reachOf(t, "qwen* *-7b", "chat_completions")}
	if n := testing.AllocsPerRun(100, func() {
		if !p.May(ModelsUse) || !allows(p.Reach, "llama2-7b", wire.ChatCompletions) || p.MayIn(KeysWrite, "acme") {
			t.Error("it may not use the model, or write keys")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAsking(b *testing.B) {
	for name, s := range map[string]*Reach{"all": nil, "ten patterns": reachOf(b, "a* b* c* d* e* f* g* h* i* *-7b", "chat_completions")} {
		b.Run(name, func(b *testing.B) {
			p := Principal{Permissions: PermissionsOf([]Role{User}), Reach: s}
			b.ReportAllocs()
			for b.Loop() {
				if !p.May(ModelsUse) || !allows(p.Reach, "llama2-7b", wire.ChatCompletions) {
					b.Fatal("it may not")
				}
			}
		})
	}
}
