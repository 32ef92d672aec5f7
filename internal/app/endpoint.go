package app

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// endpoints keeps the model servers of all models, each once: models that are
// served by the same one share its connections, what is known of its health and the
// count of what it is working on. They are kept from one configuration to the next.
type endpoints struct {
	log     *slog.Logger
	listed  func()        // called when one has said something else of its models
	started chan struct{} // closed when they are to be watched

	mu      sync.Mutex
	servers map[endpointKey]*endpoint
}

// endpointKey is what tells model servers apart: everything that a request is
// sent with.
type endpointKey struct {
	url, apiKey string
	roots       [sha256.Size]byte // of the file of authorities; zero without one
	connect     time.Duration
	breaker     upstream.BreakerOptions
	check       time.Duration
}

// endpoint is a model server and the end of its watch.
type endpoint struct {
	*upstream.Server
	models  map[string]int    // those that it serves, and how often each holds it
	served  map[string]string // the name that it knows each by
	lacking map[string]bool   // those of which the log has said that it lacks them
	unwatch context.CancelFunc
	watched chan struct{} // closed when the watch has ended
}

func newEndpoints(log *slog.Logger, listed func()) *endpoints {
	return &endpoints{log: log, listed: listed, started: make(chan struct{}), servers: map[endpointKey]*endpoint{}}
}

// start lets all be watched, from now on. It is called once.
func (e *endpoints) start() { close(e.started) }

// open returns the model servers of a service, those that there are already and
// new ones, for the model of that name, which ends with release.
func (e *endpoints) open(model string, s config.Service, mocks *mocks) ([]*upstream.Server, error) {
	key := endpointKey{
		apiKey: s.APIKey, connect: s.ConnectTimeout, check: s.HealthInterval,
		breaker: upstream.BreakerOptions{Failures: int(s.BreakerFailures), Outcomes: int(s.BreakerOutcomes), Wait: s.BreakerWait},
	}
	if key.breaker.Failures == 0 {
		key.breaker.Failures = -1 // the configuration's word for never
	}
	var roots *x509.CertPool
	if s.CAFile != "" {
		var text []byte
		var err error
		if roots, text, err = certificate.ReadRoots(s.CAFile); err != nil {
			return nil, err
		}
		key.roots = sha256.Sum256(text)
	}
	servers := make([]*upstream.Server, len(s.Endpoints))
	for i, address := range s.Endpoints {
		key.url = string(address)
		if address == config.MockEndpoint {
			key.url = mocks.url()
		}
		server, err := e.server(key, roots, model, s.ServedAs)
		if err != nil {
			e.release(model, servers[:i])
			return nil, err
		}
		servers[i] = server
	}
	return servers, nil
}

// server returns the model server of a key, made and watched at first use, and
// holds it.
func (e *endpoints) server(key endpointKey, roots *x509.CertPool, model, served string) (*upstream.Server, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.servers[key]; known != nil {
		known.hold(model, served)
		return known.Server, nil
	}
	u, err := url.Parse(key.url)
	if err != nil {
		return nil, err
	}
	client, err := httpclient.New(httpclient.Options{
		URL: u, APIKey: key.apiKey, RootCAs: roots, ConnectTimeout: key.connect,
	})
	if err != nil {
		return nil, err
	}
	added := &endpoint{models: map[string]int{}, served: map[string]string{}, lacking: map[string]bool{}, watched: make(chan struct{})}
	added.Server = upstream.New(upstream.Options{
		Client: client, Breaker: key.breaker, CheckInterval: key.check,
		Changed: func(s upstream.Standing) { e.report(added, s) },
		Listed:  func() { e.reportList(added); e.listed() },
	})
	added.hold(model, served)
	ctx, unwatch := context.WithCancel(context.Background())
	added.unwatch = unwatch
	e.servers[key] = added
	go func() {
		defer close(added.watched)
		select {
		case <-e.started:
			added.Watch(ctx)
		case <-ctx.Done():
		}
	}()
	return added.Server, nil
}

// report writes a line for a change of a model server.
func (e *endpoints) report(changed *endpoint, s upstream.Standing) {
	e.mu.Lock()
	log := e.log.With("server", changed.Name(), "models", slices.Sorted(maps.Keys(changed.models)))
	e.mu.Unlock()
	if s.Model != "" { // only the requests of that one fail
		log = e.log.With("server", changed.Name(), "served_as", s.Model)
	}
	switch {
	case !s.Reachable:
		log.Warn("a model server is away; it is asked every second whether it is back", "error", changed.Cause())
	case s.Breaker == upstream.BreakerOpen:
		log.Warn("a model server fails; requests go elsewhere for a while", "breaker", s.Breaker.String())
	case s.Breaker == upstream.BreakerHalfOpen:
		log.Info("a model server that failed is tried again", "breaker", s.Breaker.String())
	default:
		log.Info("a model server is back", "breaker", s.Breaker.String())
	}
}

// reportList writes a line for each model that a model server says it lacks, and for each
// that it has again.
func (e *endpoints) reportList(changed *endpoint) {
	e.mu.Lock()
	defer e.mu.Unlock() // so that lines are in order
	for _, model := range slices.Sorted(maps.Keys(changed.models)) {
		served := changed.served[model]
		lacks := changed.Lacks(served)
		if lacks == changed.lacking[model] {
			continue
		}
		changed.lacking[model] = lacks
		if lacks {
			e.log.Warn("a model server does not list a model, and is not asked for it", "server", changed.Name(), "model", model,
				"served_as", served, "reason", changed.LackReason(served))
		} else {
			e.log.Info("a model server lists a model again", "server", changed.Name(), "model", model, "served_as", served)
		}
	}
}

// release ends what open has begun for a model that has gone: the model servers
// that no other one uses are closed.
func (e *endpoints) release(model string, servers []*upstream.Server) {
	e.mu.Lock()
	var unused []*endpoint
	for key, known := range e.servers {
		for _, s := range servers {
			if known.Server == s {
				known.leave(model)
			}
		}
		if len(known.models) == 0 {
			unused = append(unused, known)
			delete(e.servers, key)
		}
	}
	e.mu.Unlock()
	for _, u := range unused {
		u.close()
	}
}

// close closes all.
func (e *endpoints) close() {
	e.mu.Lock()
	all := e.servers
	e.servers = nil
	e.mu.Unlock() // a check that is under way may have something to report
	for _, known := range all {
		known.close()
	}
}

// hold notes that a model, which the server knows as served, holds it once more. The caller
// holds the lock. What the server has said of its models may be older than one that is new.
func (e *endpoint) hold(model, served string) {
	if e.served[model] != served {
		e.served[model] = served
		delete(e.lacking, model) // that was said of another name
		if e.Lacks(served) {
			e.Relist()
		}
	}
	e.models[model]++
}

// leave notes that a model holds it once less. The caller holds the lock.
func (e *endpoint) leave(model string) {
	if e.models[model]--; e.models[model] == 0 {
		delete(e.models, model)
		delete(e.served, model)
		delete(e.lacking, model)
	}
}

// close ends the watch of a model server and closes it. Requests that are
// running on it go on to their end.
func (e *endpoint) close() {
	e.unwatch()
	<-e.watched
	e.Close()
}

// standings returns how the endpoints of all models stand, for the gauges.
func standings(c *catalog.Catalog) (all []telemetry.EndpointStanding) {
	for _, m := range c.All() {
		for _, e := range m.Pool.Endpoints() {
			all = append(all, telemetry.EndpointStanding{
				Model: m.Name, Endpoint: e.Server, Healthy: e.Healthy, Breaker: int(e.Breaker),
			})
		}
	}
	return all
}
