package fleet

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// TestModelsShareServers: services that are alike have one model server, until the last of
// their models is gone; whatever a request is sent with tells servers apart.
func TestModelsShareServers(t *testing.T) {
	f := New(slog.New(slog.DiscardHandler), func() {})
	defer f.Close()
	open := func(model string, s Service) *upstream.Server {
		t.Helper()
		if s.URLs == nil {
			s.URLs = []string{"http://127.0.0.1:9"}
		}
		servers, err := f.Open(model, s)
		if err != nil || len(servers) != 1 {
			t.Fatalf("%d servers, %v", len(servers), err)
		}
		return servers[0]
	}
	a, b := open("a", Service{ServedAs: "x"}), open("b", Service{ServedAs: "y"})
	if a != b {
		t.Error("two models of one server have a server each")
	}
	for name, s := range map[string]Service{
		"another address":  {URLs: []string{"http://127.0.0.1:10"}},
		"another key":      {APIKey: "k"},
		"another patience": {ConnectTimeout: time.Second},
		"another interval": {CheckInterval: time.Second},
		"another breaker":  {Breaker: upstream.BreakerOptions{Failures: 3}},
	} {
		if open(name, s) == a {
			t.Errorf("%s is the same server", name)
		}
	}
	f.Release("a", []*upstream.Server{a})
	if open("c", Service{}) != b {
		t.Error("the server of b has gone with a")
	}
	f.Release("b", []*upstream.Server{b})
	f.Release("c", []*upstream.Server{b})
	if open("d", Service{}) == b {
		t.Error("the server that nobody had is there still")
	}
}

// TestOpenIsWhole: where one server of a service cannot be made, none is kept for it.
func TestOpenIsWhole(t *testing.T) {
	f := New(slog.New(slog.DiscardHandler), func() {})
	defer f.Close()
	for want, s := range map[string]Service{
		"ca-file: ": {URLs: []string{"https://127.0.0.1:9"}, CAFile: "/none/ca.pem"},
		"parse":     {URLs: []string{"http://127.0.0.1:9", "http://%"}},
	} {
		if _, err := f.Open("a", s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if len(f.servers) != 0 {
			t.Errorf("%d servers are left", len(f.servers))
		}
	}
}
