package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listen starts an upstream that ends with the test.

// serve starts a server of net/http that ends with the test and returns its

// address.

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestLoadByCount(t *testing.T) {
	var mu sync.Mutex
	users := make(map[string]int)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		users[r.Header.Get("X-User-ID")]++
		if string(body) != chatBody {
			t.Errorf("body %q", body)
		}
	})
	load := Load{Address: address, Connections: 3, FirstUser: 5, Users: 4, Requests: 40}
	result, err := load.Run(t.Context())
	if err != nil || result.err() != nil {
		t.Fatal(err, result.err())
	}
	if result.Requests != 40 || result.Latency.P50 <= 0 || result.Elapsed <= 0 {
		t.Errorf("result %+v", result)
	}
	if diff := cmp.Diff(map[string]int{"user-5": 10, "user-6": 10, "user-7": 10, "user-8": 10}, users); diff != "" {
		t.Errorf("requests by user (-want +got):\n%s", diff)
	}
}

func TestLoadByTime(t *testing.T) {
	u := listen(t, 0)
	load := Load{Address: u.Address(), Connections: 2, Users: 1, For: 20 * time.Millisecond}
	result, err := load.Run(t.Context())
	if err != nil || result.Requests == 0 || result.Elapsed < load.For {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestLoadCountsFailures(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-User-ID") == "user-1" {
			http.Error(w, "slow down", http.StatusTooManyRequests)
		}
	})
	result, err := Load{Address: address, Connections: 2, Users: 2, Requests: 10}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != 5 || result.Failures != 5 {
		t.Errorf("result %+v, want 5 and 5", result)
	}
	if err := result.err(); err == nil || !strings.Contains(err.Error(), "429 slow down") {
		t.Errorf("error %v, want one that quotes an answer", err)
	}
}

func TestLoadErrors(t *testing.T) {
	hangsUp := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := (Load{Address: hangsUp, Connections: 2, Users: 1, Requests: 4}).Run(t.Context()); err == nil {
		t.Error("no error where the connection breaks")
	}
	nobody, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Load{Address: nobody, Connections: 1, Users: 1, Requests: 1}).Run(t.Context()); err == nil {
		t.Error("no error where nobody listens")
	}
	if err := (LoadResult{}).err(); err == nil {
		t.Error("a load without an answer is no error")
	}
}

// A server that never answers does not keep the load from ending.

func TestLoadEndsWithContext(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	address := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := (Load{Address: address, Connections: 1, Users: 1, Requests: 1}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
