package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// App is a gateway, built and not yet listening.
type App struct {
	config   *config.Config // of the start: what cannot change is read from it
	log      *slog.Logger
	store    limit.Store
	current  atomic.Pointer[snapshot]
	reloads  reloads
	servers  *endpoints
	contexts sync.Mutex     // held while fillContexts looks and tells
	quirks   catalog.Quirks // of model servers, whoever is served by them
	mocks    *mocks         // model servers in this process
	metrics  *telemetry.Metrics
	data     *proxy.Handler
	server   server
	patience time.Duration // of HTTP/2 connections that take nothing; 0: none are served
	cert     *certificate  // of the server; nil: not encrypted
	manage   *management   // nil: on the server too
	tracer   *telemetry.Tracer
	scarce   scarcity
	hurry    <-chan struct{}
	leaving  atomic.Bool  // readiness is off
	handling sync.RWMutex // held for reading by every request while it is handled
}

// Options of an App. Config and Log are required.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	Build  admin.Build
	// Store takes the place of the one that Config asks for, so that tests can
	// move its clock; nil means that one. The App closes it.
	Store limit.Store
	// Source says where Config was loaded from, and is read again by Reload and
	// when a file changes; nil: never.
	Source *config.Options
	// Level is the level of Log, which follows the configuration; nil: it stays.
	Level *slog.LevelVar
	// LostLines tells how many lines of Log were lost since the start; nil: none ever is.
	LostLines func() int64
	// Hurry, when it is closed, ends the draining at once: what is still
	// running is cut off and settled. nil means never.
	Hurry <-chan struct{}
}

// New builds the gateway that o describes. The first part that cannot be built
// ends it with an error, and what was built before is closed.
func New(ctx context.Context, o Options) (_ *App, err error) {
	c, log := o.Config, o.Log
	a := &App{config: c, log: log, store: o.Store, hurry: o.Hurry, mocks: &mocks{}}
	a.reloads.source, a.reloads.level = o.Source, o.Level
	if o.Level != nil {
		o.Level.Set(logLevels[c.Logging.Level])
	}
	defer func() {
		if err != nil {
			_ = a.close(ctx)
		}
	}()
	a.scarce = scarcity{log: log, descriptors: raiseDescriptorLimit()}
	a.scarce.connections = connectionsMax(a.scarce.descriptors)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = telemetry.NewMetrics(registry)

	if a.store == nil {
		if a.store, err = openStore(ctx, c, a.metrics, registry, log); err != nil {
			return nil, err
		}
	}
	a.servers = newEndpoints(log, a.fillContexts)
	s, err := a.newSnapshot(nil, c)
	if err != nil {
		return nil, err
	}
	a.adopt(s)
	a.metrics.Reloaded(true, time.Now())

	a.tracer, err = telemetry.OpenTracer(ctx, telemetry.TracerOptions{
		Env: os.Getenv, Version: o.Build.Version,
		Failed: func(err error) { log.Warn("traces do not reach the collector", "error", err) },
	})
	if err != nil {
		return nil, err
	}
	served := func() *catalog.Catalog { return a.current.Load().catalog }
	g := &gate.Gate{Authenticator: a.authenticator, Log: log, TrustedProxies: c.Server.TrustedProxies}
	telemetry.NewEndpoints(registry, func() []telemetry.EndpointStanding { return standings(served()) })
	telemetry.NewRefused(registry, func() map[string]bool { return refusedModels(served(), a.store) })
	buffers := buffer.NewBudget(bufferedBytes(c.Server.MaxBufferedBytes, knownMemory(memlimit.FromCgroup), memlimit.FromSystem))
	telemetry.NewBuffered(registry, buffers)
	telemetry.NewLostLines(registry, o.LostLines)
	a.data = proxy.New(proxy.Options{
		Catalog: served, Store: a.store, Gate: g, Log: log, Tracer: a.tracer,
		MaxBodyBytes: largestBody(c.Server.MaxBodyBytes, buffers, log), Buffers: buffers, BodyTimeout: c.Server.BodyTimeout,
		Readers: []outcome.Reader{outcome.Metrics{Metrics: a.metrics}, outcome.Log{Logger: log}},
	})
	control := admin.New(admin.Options{
		Catalog: served, Store: a.store, Gate: g, Build: o.Build,
		Metrics:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}),
		Config:   func() admin.Effective { return a.current.Load().config },
		Draining: a.leaving.Load,
		Profiles: c.Management.Pprof,
	})
	mux := http.NewServeMux()
	a.data.Register(mux)
	control.Register(mux)
	if a.manage = newManagement(c, control, log); a.manage == nil {
		control.RegisterOperations(mux)
	}
	if a.cert, err = openCertificate(c.Server.TLS, log, registry); err != nil {
		return nil, err
	}
	handler, err := a.clients(c, mux)
	if err != nil {
		return nil, err
	}
	other := newHTTPServer(c, a.cert, handler, log)
	if other.HTTP2 != nil {
		a.patience = other.HTTP2.WriteByteTimeout
	}
	a.server = newServer(c, other, &a.scarce)
	return a, nil
}

// Run listens and serves until ctx ends, then drains: readiness goes off, new
// requests are refused, running ones finish within the configured time, and
// everything is settled. It goes on listening for as long as one is running, so
// that probes and clients are told. ready, if not nil, is called with the address once requests are
// accepted.
func (a *App) Run(ctx context.Context, ready func(address string)) error {
	tuneCollector()
	logResources(a.log, boundMemory(memlimit.FromCgroup), &a.scarce)
	listener, served, err := a.listen(ctx)
	if err != nil {
		return errors.Join(err, a.close(ctx))
	}
	address := listener.Addr().String()
	a.log.Info("listening", "address", address, "management", a.manage.where(), "profile", a.config.Profile,
		"store", string(a.config.RateLimit.Store), "models", len(a.config.Services))
	a.listens(address)
	a.servers.start()
	stopWatching := a.watch(context.WithoutCancel(ctx))
	if ready != nil {
		ready(address)
	}
	select {
	case <-ctx.Done():
		err = a.drain(context.WithoutCancel(ctx))
	case failure := <-served:
		err = errors.Join(failure, a.server.Close())
	}
	stopWatching()
	if err = errors.Join(err, a.close(context.WithoutCancel(ctx))); err == nil {
		a.log.Info("ended, and everything is settled")
	}
	return err
}

// listen opens the listeners and serves them. What ends the serving is sent to
// served.
func (a *App) listen(ctx context.Context) (clients net.Listener, served <-chan error, err error) {
	failed := make(chan error, 2)
	if a.manage != nil {
		if err := a.manage.open(ctx, failed); err != nil {
			return nil, nil, err
		}
	}
	clients, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.Server.Address)
	if err != nil {
		return nil, nil, notListening("server.address", a.config.Server.Address, err, " there, with --address HOST:PORT, or with make run ADDRESS=HOST:PORT")
	}
	go func() { failed <- a.serve(clients) }()
	return clients, failed, nil
}

// watch follows what changes by itself, until stop is called, which waits for
// its end, but no longer than closeTimeout: who reads files may wait for a disk for ever.
func (a *App) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { a.watchStore(ctx) })
	watching.Go(func() { a.watchConfig(ctx) })
	if a.cert != nil {
		watching.Go(func() { a.cert.watch(ctx) })
	}
	return func() {
		cancel()
		if !inTime(closeTimeout, watching.Wait) {
			a.log.Warn("files of the configuration are still being read, and are not waited for")
		}
	}
}

// closeTimeout bounds how long settlements are waited for at the end.
const closeTimeout = 5 * time.Second

// close closes what was built, the last first.
func (a *App) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	var err error
	a.endReloads()
	if a.servers != nil {
		a.servers.close()
	}
	a.mocks.close()
	if a.store != nil {
		err = a.store.Close(ctx)
	}
	if a.manage != nil {
		err = errors.Join(err, a.manage.close())
	}
	if failed := a.tracer.Close(ctx); failed != nil {
		a.log.Warn("the last traces are lost", "error", failed)
	}
	return err
}
