package redis

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// shared is the server of all tests that do not make theirs fail.
var shared *redistest.Server

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "redis-store-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if shared, err = redistest.Open(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	shared.Kill()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// open returns a store on the shared server, which it empties first.
func open(tb testing.TB, o Options) *Store {
	tb.Helper()
	if err := shared.FlushAll(); err != nil {
		tb.Fatal(err)
	}
	return join(tb, shared, o)
}

// join returns one more store on a server, closed at the end of the test.
func join(tb testing.TB, server *redistest.Server, o Options) *Store {
	tb.Helper()
	o.Address = server.Addr
	s, err := New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close(tb.Context()) })
	return s
}
