package keyset

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFetch: keys come from where discovery says, or from where they are; whatever else comes is not
// taken, and its error names the address and nothing that was answered.
func TestFetch(t *testing.T) {
	i, other := newIssuer(t, "a", "b"), newIssuer(t, "c")
	keys, left, err := Fetch(t.Context(), i.source())
	if err != nil || len(keys) != 2 || len(left) != 0 {
		t.Fatalf("by discovery: %v, %v, %v", keys, left, err)
	}
	direct := i.source()
	direct.URL = i.URL + "/keys"
	if keys, _, err := Fetch(t.Context(), direct); err != nil || len(keys) != 2 {
		t.Errorf("from their address: %v, %v", keys, err)
	}
	answers := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	for want, tt := range map[string]struct {
		source func(*Source)
		wrong  http.Handler
		names  string
		at     string
	}{
		"answers 302":                  {wrong: http.RedirectHandler(other.URL+"/keys", http.StatusFound)},
		"answers 404":                  {source: func(s *Source) { s.URL = i.URL + "/none" }},
		"answers 500":                  {wrong: answers(500, "canary")},
		"more than 262144 bytes":       {source: func(s *Source) { s.URL = i.URL + "/keys" }, wrong: answers(200, strings.Repeat(" ", answerBytesMax+1))},
		"is not taken":                 {source: func(s *Source) { s.URL = i.URL + "/keys" }, wrong: answers(200, `{"keys":[{"kty":"oct","k":"canary"}]}`)},
		"is no set of keys":            {source: func(s *Source) { s.URL = i.URL + "/keys" }, wrong: answers(200, `{"keys":[],"keys":[]}`)},
		"no discovery document":        {wrong: answers(200, `{"issuer":"canary","issuer":"x"}`)},
		"is of another issuer":         {names: i.URL + "/realm/"},
		"/keys is not https":           {at: "http" + strings.TrimPrefix(i.URL, "https") + "/keys"},
		"127.0.0.1:1/realm":            {source: func(s *Source) { s.Issuer = "https://127.0.0.1:1/realm" }},
		"is no URL":                    {at: "/keys"},
		"http://idp.example.com/realm": {source: func(s *Source) { s.Issuer = "http://idp.example.com/realm" }},
		"certificate":                  {source: func(s *Source) { s.CA = "" }},
	} {
		i.does(tt.wrong)
		i.mu.Lock()
		i.names, i.at = tt.names, tt.at
		i.mu.Unlock()
		s := i.source()
		if tt.source != nil {
			tt.source(&s)
		}
		before := other.questions()
		keys, _, err := Fetch(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, %v, want %q", keys, err, want)
		}
		if other.questions() != before {
			t.Errorf("%q: somebody else was asked", want)
		}
	}
}

// TestSlowIssuer: an answer that drips is not waited for beyond the time that there is.
func TestSlowIssuer(t *testing.T) {
	i := newIssuer(t, "a")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i.does(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(50*time.Millisecond, cancel) // however long it took to come so far
		for {
			if _, err := w.Write([]byte(" ")); err != nil || r.Context().Err() != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	}))
	if _, _, err := Fetch(ctx, i.source()); err == nil || !strings.Contains(err.Error(), "breaks off") {
		t.Errorf("%v", err)
	}
}
