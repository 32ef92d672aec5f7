package redis

import (
	"strings"
	"testing"
)

// subject is what a key is about.
type subject struct{ kind, model, user string }

// key returns the key of a subject, as the store makes it.
func (s subject) key() string {
	m := newModel(s.model)
	switch s.kind {
	case "user":
		return userKey(m.account, s.user)
	case "model":
		return m.account
	case "replicas":
		return m.replicas
	case "users":
		return m.listed
	case "tried account":
		return m.tryKeys()[0]
	}
	return m.tryKeys()[1]
}

// subjectOf reads the subject off its key, without what the store knows of it.
func subjectOf(key string) (s subject, ok bool) {
	kinds := map[string]string{"": "replicas", ".try": "tried replicas"}
	rest, isReplicas := strings.CutPrefix(key, "token:concurrent:{")
	if !isReplicas {
		if rest, ok = strings.CutPrefix(key, "token:usage:{"); !ok {
			return s, false
		}
		kinds = map[string]string{"": "model", ".try": "tried account", ".users": "users"}
	}
	name, rest, ok := strings.Cut(rest, "}")
	if !ok {
		return s, false
	}
	s.model = strings.NewReplacer("%7B", "{", "%7D", "}", "%25", "%").Replace(name)
	if user, isUser := strings.CutPrefix(rest, ":"); isUser && !isReplicas {
		s.kind, s.user = "user", user
		return s, true
	}
	s.kind, ok = kinds[rest]
	return s, ok
}

// names are those that could be taken for something else.
var names = []string{
	"", "alice", ":", "a:b", ":a", "a:", "{", "}", "{}", "}:a", "{a}", "%", "%25", "%7D", "%7d", "%%", "a\nb", "\x00", "\xff\xfe", "\r\n",
	".try", ".users", "/", "/tenant:a", "}.try", "}/tenant", "token:usage:{m}:u", "한글", "a b", "*", "?", "[a]", "\\",
}

// TestKeysAreInjective: what a key is about can be read off it, so no two subjects
// have the same; and none is among the keys that are left for tenants.
func TestKeysAreInjective(t *testing.T) {
	seen := map[string]subject{}
	for _, model := range names {
		for _, kind := range []string{"model", "replicas", "users", "tried account", "tried replicas"} {
			checkKey(t, seen, subject{kind: kind, model: model})
		}
		for _, user := range names {
			checkKey(t, seen, subject{"user", model, user})
		}
	}
}

func checkKey(t *testing.T, seen map[string]subject, s subject) {
	t.Helper()
	key := s.key()
	if got, ok := subjectOf(key); !ok || got != s {
		t.Errorf("%q of %+v is read as %+v", key, s, got)
	}
	if strings.HasPrefix(key, modelKey(s.model)+"/") {
		t.Errorf("%q of %+v is among the keys of tenants", key, s)
	}
	if other, taken := seen[key]; taken && other != s {
		t.Errorf("%q is the key of %+v and of %+v", key, s, other)
	}
	seen[key] = s
}

// TestKeysOfBefore: accounts of earlier releases go on counting, and those releases
// may run beside this one: no key has changed.
func TestKeysOfBefore(t *testing.T) {
	for _, model := range names {
		tag := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(model, "%", "%25"), "{", "%7B"), "}", "%7D")
		for _, user := range names {
			if got, want := userKey(modelKey(model), user), "token:usage:{"+tag+"}:"+user; got != want {
				t.Errorf("the key is %q, and was %q", got, want)
			}
		}
	}
	if got := userKey(modelKey("llama2-7b"), "alice@example.com"); got != "token:usage:{llama2-7b}:alice@example.com" {
		t.Errorf("the key is %q", got)
	}
}

// FuzzKeys looks for two subjects with one key.
func FuzzKeys(f *testing.F) {
	for i, name := range names {
		f.Add(name, names[(i+3)%len(names)], names[(i+7)%len(names)], name)
	}
	f.Fuzz(func(t *testing.T, model, user, otherModel, otherUser string) {
		seen := map[string]subject{}
		for _, s := range []subject{
			{"user", model, user}, {"user", otherModel, otherUser}, {"user", model, otherUser}, {"user", otherModel, user},
			{kind: "model", model: model}, {kind: "model", model: otherModel}, {kind: "tried account", model: model}, {kind: "replicas", model: model}, {kind: "users", model: model},
		} {
			checkKey(t, seen, s)
		}
	})
}

// TestUsersWithOddNames: users of one model whose names look like parts of keys, and
// models likewise, have accounts of their own in the server.
func TestUsersWithOddNames(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	for m, model := range []string{"m", "m}:x", "m%7D:x", "{m}"} {
		p := of(t, model)
		for u, user := range names {
			s.Settle(mustReserve(t, s, p, user, output(1)), output(int64(1+m*len(names)+u)))
		}
	}
	for m, model := range []string{"m", "m}:x", "m%7D:x", "{m}"} {
		p := of(t, model)
		for u, user := range names {
			mustStand(t, s, p, user, standing{int64(1 + m*len(names) + u), 0, 0})
		}
	}
}
