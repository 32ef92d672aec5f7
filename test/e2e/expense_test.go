package e2e

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
)

// TestExpensesAreThoseOfTheBooks: what two keys of one user have spent at two gateways is what the
// model server says, and nothing else is counted.
func TestExpensesAreThoseOfTheBooks(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	configs := folder(t, map[string]string{"application.yml": fmt.Sprintf(
		"server: {address: '127.0.0.1:0'}\ndatabase: {url: %q}\nvllm: {services: {%s: %q}}\n", postgres.URL(t, "control"), model, server)})
	p := start(t, "bootstrap", "--config", configs)
	if code := p.wait(t); code != 0 {
		t.Fatalf("bootstrap ended with %d: %s", code, p.stderr.String())
	}
	admin := strings.TrimSpace(p.stdout.String())
	serve := func() *gateway {
		p := start(t, "serve", "--config", configs)
		return &gateway{p, newClient(t, "http://"+p.address(t))}
	}
	here, there := serve(), serve()
	var secrets, ids []string
	for i := range 2 {
		made := here.manage(t, admin, "POST", "/keys", fmt.Sprintf(`{"name":"key %d","user":"alice"}`, i), 201)
		ids, secrets = append(ids, made["id"].(string)), append(secrets, made["secret"].(string))
	}
	eventually(t, patience, "keys that are known", func() bool { return there.chat(t, secrets[1]) == 200 })
	// What the ledger has of the second key up to now is one request or more, all of them served.
	first := ledger.Sum(model, "").Requests
	var asking sync.WaitGroup
	for i, g := range []*gateway{here, there, here, there} {
		asking.Go(func() {
			for range 10 {
				if status := g.chat(t, secrets[i/2]); status != 200 {
					t.Errorf("a request is answered with %d", status)
				}
			}
		})
	}
	asking.Wait()
	for _, g := range []*gateway{here, there} { // they report when they end
		g.signal(syscall.SIGTERM)
		if code := g.wait(t); code != 0 {
			t.Errorf("it ended with %d", code)
		}
	}
	tomorrow := time.Now().AddDate(0, 0, 1).UTC().Format(time.DateOnly)
	data, _ := serve().manage(t, admin, "GET", "/usage/keys?sort=key&to="+tomorrow, "", 200)["data"].([]any)
	if len(data) != 2 {
		t.Fatalf("the expenses are %v", data)
	}
	var requests, input, output float64
	for i, row := range data {
		m := row.(map[string]any)
		if want := []float64{20, 20 + float64(first)}[i]; m["key"] != ids[i] || m["user"] != "alice" || m["model"] != model || m["requests"] != want {
			t.Errorf("row %d is %v; want %s with %v requests", i, m, ids[i], want)
		}
		requests, input, output = requests+m["requests"].(float64), input+m["input_tokens"].(float64), output+m["output_tokens"].(float64)
	}
	if sum := ledger.Sum(model, ""); requests != float64(sum.Requests) || input != float64(sum.Input) || output != float64(sum.Output) {
		t.Errorf("keys have spent %v, %v and %v; the ledger has %+v", requests, input, output, sum)
	}
}
