package upgrade_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// How many streams are open at any moment that matters, and how many clients ask for them: more, because
// between two streams of a client there is none. How many clients ask for short answers.
const streams, streamers, chats = 100, 130, 4

// TestGatewaysAreReplaced replaces the gateways with the drain settings of the Compose file, and with
// those of the manifests.
func TestGatewaysAreReplaced(t *testing.T) {
	p := stack(t, "docker/docker-compose.yml")
	for name, d := range map[string]drain{"Compose": ofCompose(p), "Kubernetes": ofManifests(t)} {
		t.Run(name, func(t *testing.T) { replace(t, newSite(t, p, d)) })
	}
}

// replace replaces both gateways while 100 streams are open. The first one is in
// DNS until it has ended, so that only the health check keeps requests from it; the second one
// leaves DNS when it is told to end, as Docker has it.
func replace(t *testing.T, s *site) {
	s.balance(t)
	first, second := s.serve(t, hosts[0]), s.serve(t, hosts[1])
	s.names.set(first.host, second.host)
	deploytest.Eventually(t, "the load balancer has a gateway", func() bool {
		return s.status(t, "/actuator/health") == http.StatusOK && s.status(t, "/v1/models") == http.StatusOK
	})

	l := begin(s.url)
	deploytest.Eventually(t, "both gateways serve", func() bool { return first.serves() && second.serves() })
	third := s.serve(t, hosts[2])
	s.names.set(first.host, second.host, third.host)
	deploytest.Eventually(t, "the third gateway serves", third.serves)
	awaitOpen(t, l)
	first.stop(t, s.drain)

	fourth := s.serve(t, hosts[3])
	s.names.set(second.host, third.host, fourth.host)
	deploytest.Eventually(t, "the fourth gateway serves", fourth.serves)
	awaitOpen(t, l)
	s.names.set(third.host, fourth.host)
	second.stop(t, s.drain)
	awaitOpen(t, l)

	failures := l.stop()
	t.Logf("%d answers were whole", l.whole.Load())
	for i, err := range failures {
		if i == 10 {
			t.Errorf("and %d more", len(failures)-i)
			break
		}
		t.Error(err)
	}
	if l.whole.Load() < 3*streams {
		t.Errorf("there were %d answers: the test tests nothing", l.whole.Load())
	}
	checkBooks(t, s)
}

// status asks the load balancer, and returns 0 where it does not answer.
func (s *site) status(t *testing.T, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := s.client.Do(r)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// awaitOpen waits until so many streams are open.
func awaitOpen(t *testing.T, l *load) {
	t.Helper()
	deploytest.Eventually(t, fmt.Sprintf("%d streams are open", streams), func() bool { return l.open.Load() >= streams })
}

// checkBooks compares the accounts with what the model server has generated.
func checkBooks(t *testing.T, s *site) {
	t.Helper()
	used := map[string]int64{}
	for n := range users {
		user := fmt.Sprint("user", n)
		var a account
		deploytest.Eventually(t, "nothing runs and nothing is reserved for "+user, func() bool {
			a = s.usage(t, user)
			return len(a.Windows) > 0 && a.Windows[0].Reserved == 0
		})
		used[user] = a.Windows[0].Used
	}
	for user, tokens := range s.generated(t) {
		if used[user] != tokens || tokens == 0 {
			t.Errorf("%s: %d tokens are used, and the model server's ledger has %d", user, used[user], tokens)
		}
		delete(used, user)
	}
	if len(used) > 0 {
		t.Errorf("the model server knows nothing of %v", used)
	}
}

// TestWhatIsPublished: through the load balancer nobody gets at metrics and the like, and can ask
// whether the gateways are well.
func TestWhatIsPublished(t *testing.T) {
	p := stack(t, "docker/docker-compose.yml")
	s := newSite(t, p, ofCompose(p))
	s.balance(t)
	g := s.serve(t, hosts[0])
	s.names.set(g.host)
	deploytest.Eventually(t, "the load balancer has a gateway", func() bool { return s.status(t, "/v1/models") == http.StatusOK })
	for path, want := range map[string]int{
		"/actuator/health": 200, "/actuator/health/liveness": 200, "/actuator/health/readiness": 200, "/load-balancer/health": 200,
		"/actuator/prometheus": 404, "/actuator/env": 404, "/actuator": 404, "/debug/pprof/": 404,
		"/actuator/health/../prometheus": 404, "/actuator/health/%2e%2e/prometheus": 404, "//actuator/prometheus": 404, "/%61ctuator/prometheus": 404,
	} {
		if got := s.status(t, path); got != want {
			t.Errorf("%s is answered with %d, want %d", path, got, want)
		}
	}
}
