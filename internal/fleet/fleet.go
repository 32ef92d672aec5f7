// Package fleet keeps the model servers of all models, each once, from one configuration to the
// next: with its connections, what is known of its health, and the count of what it works on.
package fleet

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

	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// Fleet keeps model servers, which models share. It is safe for concurrent use.
type Fleet struct {
	log     *slog.Logger
	listed  func()        // called when one has said something else of its models
	started chan struct{} // closed when they are to be watched

	mu      sync.Mutex
	servers map[key]*modelServer
}

// key is what tells model servers apart: everything that a request is sent with.
type key struct {
	url, apiKey string
	roots       [sha256.Size]byte // of the file of authorities; zero without one
	connect     time.Duration
	breaker     upstream.BreakerOptions
	check       time.Duration
}

// modelServer is a model server and the end of its watch.
type modelServer struct {
	*upstream.Server
	models  map[string]*use // by public name: those that it serves
	unwatch context.CancelFunc
	watched chan struct{} // closed when the watch has ended
}

// use is what a model makes of a model server.
type use struct {
	holds    int    // how often the model holds it
	servedAs string // the name that it knows the model by
	lacks    bool   // the log has said that it lacks the model
}

// New returns a fleet without members. It calls listed whenever one has said something else of
// its models, and tells log what becomes of them.
func New(log *slog.Logger, listed func()) *Fleet {
	return &Fleet{
		log: log, listed: listed, started: make(chan struct{}), servers: map[key]*modelServer{},
	}
}

// Service says which model servers serve a model, and how they are asked.
type Service struct {
	URLs           []string
	ServedAs       string // the name that they know the model by
	APIKey         string // "": none
	CAFile         string // authorities, in PEM; "": the system's
	ConnectTimeout time.Duration
	CheckInterval  time.Duration
	Breaker        upstream.BreakerOptions
}

// Start lets all be watched, from now on. It is called once.
func (f *Fleet) Start() { close(f.started) }

// Open returns the model servers of a service, those that there are already and new ones, for
// the model of that name, which gives them up with Release. An error names the setting.
func (f *Fleet) Open(model string, s Service) ([]*upstream.Server, error) {
	k := key{
		apiKey: s.APIKey, connect: s.ConnectTimeout, check: s.CheckInterval, breaker: s.Breaker,
	}
	var roots *x509.CertPool
	var err error
	if s.CAFile != "" {
		var text []byte
		if roots, text, err = certificate.ReadRoots(s.CAFile); err != nil {
			return nil, err
		}
		k.roots = sha256.Sum256(text)
	}
	var servers []*upstream.Server
	f.mu.Lock()
	for _, k.url = range s.URLs {
		m := f.servers[k]
		if m == nil {
			if m, err = f.add(k, roots); err != nil {
				break
			}
		}
		m.acquire(model, s.ServedAs)
		servers = append(servers, m.Server)
	}
	f.mu.Unlock()
	if err != nil {
		f.Release(model, servers)
		return nil, err
	}
	return servers, nil
}

// add makes a model server and has it watched. The caller holds the lock.
func (f *Fleet) add(k key, roots *x509.CertPool) (*modelServer, error) {
	u, err := url.Parse(k.url)
	if err != nil {
		return nil, err
	}
	client, err := httpclient.New(httpclient.Options{
		URL: u, APIKey: k.apiKey, RootCAs: roots, ConnectTimeout: k.connect,
	})
	if err != nil {
		return nil, err
	}
	added := &modelServer{models: map[string]*use{}, watched: make(chan struct{})}
	added.Server = upstream.New(upstream.Options{
		Client: client, Breaker: k.breaker, CheckInterval: k.check,
		Changed: func(s upstream.Condition) { f.report(added, s) },
		Listed:  func() { f.reportList(added); f.listed() },
	})
	ctx, unwatch := context.WithCancel(context.Background())
	added.unwatch = unwatch
	f.servers[k] = added
	go func() {
		defer close(added.watched)
		select {
		case <-f.started:
			added.Watch(ctx)
		case <-ctx.Done():
		}
	}()
	return added, nil
}

// report writes a line for a change of a model server.
func (f *Fleet) report(changed *modelServer, s upstream.Condition) {
	f.mu.Lock()
	log := f.log.With("server", changed.Name(), "models", slices.Sorted(maps.Keys(changed.models)))
	f.mu.Unlock()
	if s.Model != "" { // only the requests of that one fail
		log = f.log.With("server", changed.Name(), "served_as", s.Model)
	}
	switch {
	case !s.Reachable:
		log.Warn("a model server is away; it is asked every second whether it is back",
			"error", changed.Cause())
	case s.Breaker == upstream.BreakerOpen:
		log.Warn("a model server fails; requests go elsewhere for a while",
			"breaker", s.Breaker.String())
	case s.Breaker == upstream.BreakerHalfOpen:
		log.Info("a model server that failed is tried again", "breaker", s.Breaker.String())
	default:
		log.Info("a model server is back", "breaker", s.Breaker.String())
	}
}

// reportList writes a line for each model that a model server lacks now, or has again.
func (f *Fleet) reportList(changed *modelServer) {
	f.mu.Lock()
	defer f.mu.Unlock() // so that lines are in order
	for _, model := range slices.Sorted(maps.Keys(changed.models)) {
		u := changed.models[model]
		if u.lacks == changed.Lacks(u.servedAs) {
			continue
		}
		u.lacks = !u.lacks
		log := f.log.With("server", changed.Name(), "model", model, "served_as", u.servedAs)
		if u.lacks {
			log.Warn("a model server does not list a model, and is not asked for it",
				"reason", changed.LackReason(u.servedAs))
		} else {
			log.Info("a model server lists a model again")
		}
	}
}

// Release ends what Open has begun for a model: model servers that no other one uses are closed.
func (f *Fleet) Release(model string, servers []*upstream.Server) {
	f.mu.Lock()
	var unused []*modelServer
	for key, known := range f.servers {
		for _, s := range servers {
			if known.Server == s {
				known.release(model)
			}
		}
		if len(known.models) == 0 {
			unused = append(unused, known)
			delete(f.servers, key)
		}
	}
	f.mu.Unlock()
	for _, u := range unused {
		u.close()
	}
}

// Close closes all.
func (f *Fleet) Close() {
	f.mu.Lock()
	all := f.servers
	f.servers = nil
	f.mu.Unlock() // a check that is under way may have something to report
	for _, known := range all {
		known.close()
	}
}

// acquire notes that a model, which the server knows as servedAs, holds it once more. The caller
// holds the lock. What the server has said of its models may be older than one that is new.
func (m *modelServer) acquire(model, servedAs string) {
	u := m.models[model]
	if u == nil {
		u = &use{}
		m.models[model] = u
	}
	if u.holds++; u.servedAs != servedAs || u.holds == 1 {
		u.servedAs, u.lacks = servedAs, false // that was said of another name
		if m.Lacks(servedAs) {
			m.Relist()
		}
	}
}

// release notes that a model holds it once less. The caller holds the lock.
func (m *modelServer) release(model string) {
	u := m.models[model]
	if u.holds--; u.holds == 0 {
		delete(m.models, model)
	}
}

// close ends the watch of a model server and closes it. Requests that are running go on.
func (m *modelServer) close() {
	m.unwatch()
	<-m.watched
	m.Close()
}
