package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/control"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/fleet"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt/keyset"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/listener"
	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/disk"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// App is a gateway, built and not yet listening.
type App struct {
	config     *config.Config // of the start: what cannot change is read from it
	log        *slog.Logger
	store      limit.Store
	current    atomic.Pointer[snapshot]
	control    *control.Reconciler
	registry   registry.Store     // the control database; nil: none
	follower   *registry.Follower // of it; nil: none
	spending   registry.Spending  // of its keys, as far as it is not reported
	copy       *disk.Copy         // of what is known of it; nil: none
	level      *slog.LevelVar     // nil: it does not change
	address    atomic.Value       // where clients are listened for; nothing before
	servers    *fleet.Fleet
	keys       *keyset.Followers // of token issuers
	contexts   sync.Mutex        // held while fillContexts looks and tells
	quirks     catalog.Quirks    // of model servers, whoever is served by them
	mocks      *mocks            // model servers in this process
	collectors *prometheus.Registry
	metrics    *telemetry.Metrics
	gate       *gate.Gate
	data       *proxy.Handler
	admin      *admin.Handler     // administration over HTTP
	registrar  *registrar.Handler // the registry over HTTP
	replica    string             // the id of this process
	routes     gate.Mux           // of clients
	server     listener.Server
	patience   time.Duration     // of HTTP/2 connections that take nothing; 0: none are served
	cert       *certificate.Pair // of the server; nil: not encrypted
	manage     *management       // nil: on the server too
	tracer     *telemetry.Tracer
	scarce     *descriptor.Scarcity
	hurry      <-chan struct{}
	leaving    atomic.Bool  // readiness is off
	handling   sync.RWMutex // held for reading by every request while it is handled
}

// Options of an App. Config and Log are required.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	Build  admin.Build
	// Store takes the place of the one that Config asks for, so that tests can
	// move its clock; nil means that one. The App closes it.
	Store   limit.Store
	Sources []control.Source // laid over Config, in their order
	// Files are what Config was loaded from, read again when they change; nil: never.
	Files *config.Options
	Level *slog.LevelVar // the level of Log, which follows the configuration; nil: it stays
	// LostLines tells how many lines of Log were lost since the start; nil: none ever is.
	LostLines func() int64
	// Hurry, when it is closed, ends the draining at once: what is still
	// running is cut off and settled. nil means never.
	Hurry <-chan struct{}
}

// New builds the gateway that o describes, part after part. The first part that cannot be
// built ends it with an error, and what was built before is closed.
func New(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{
		config: o.Config, log: o.Log, level: o.Level, store: o.Store, hurry: o.Hurry,
		mocks: &mocks{}, keys: keyset.New(o.Log), replica: newReplica(),
	}
	defer func() {
		if err != nil {
			_ = a.close(ctx)
		}
	}()
	a.setLevel(o.Config)
	a.scarce = descriptor.New(a.log)
	a.openMetrics(&o)
	if a.store == nil {
		if a.store, err = a.openStore(ctx); err != nil {
			return nil, err
		}
	}
	if err = a.openRegistry(ctx); err != nil {
		return nil, err
	}
	if err = a.openControl(ctx, &o); err != nil {
		return nil, err
	}
	if err = a.openTracer(ctx, o.Build.Version); err != nil {
		return nil, err
	}
	a.openGate()
	a.openDataPlane()
	a.openAdministration(o.Build)
	a.openRegistrar()
	if err = a.openServer(); err != nil {
		return nil, err
	}
	return a, nil
}

// Routes returns what is served, to clients and to operators, with the rules of each.
func (a *App) Routes() []gate.Route {
	if a.manage == nil {
		return a.routes.Routes()
	}
	return slices.Concat(a.routes.Routes(), a.manage.routes.Routes())
}

// Run listens and serves until ctx ends, then drains: readiness goes off, new requests are refused,
// running ones finish within the configured time, and everything is settled. It listens until the
// last has ended. ready, if not nil, is called with the address once requests are accepted.
func (a *App) Run(ctx context.Context, ready func(address string)) error {
	tuneCollector()
	a.awaitKeys(ctx)
	logResources(a.log, boundMemory(memlimit.FromCgroup), a.scarce)
	clients, served, err := a.listen(ctx)
	if err != nil {
		return errors.Join(err, a.close(ctx))
	}
	address := clients.Addr().String()
	a.log.Info("listening", "address", address, "management", a.manage.where(),
		"profile", a.config.Profile, "store", string(a.config.RateLimit.Store),
		"models", len(a.config.Services))
	a.listens(address)
	a.servers.Start()
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

// listen opens the listeners and serves them. What ends the serving is sent to served.
func (a *App) listen(ctx context.Context) (clients net.Listener, served <-chan error, err error) {
	failed := make(chan error, 2)
	if a.manage != nil {
		if err := a.manage.open(ctx, failed); err != nil {
			return nil, nil, err
		}
	}
	clients, err = listener.Listen(ctx, "server.address", a.config.Server.Address,
		" there, with --address HOST:PORT, or with make run ADDRESS=HOST:PORT")
	if err != nil {
		return nil, nil, err
	}
	go func() { failed <- a.server.Serve(clients) }()
	return clients, failed, nil
}

// watch follows what changes by itself, until stop is called, which waits for
// its end, but no longer than closeTimeout: who reads files may wait for a disk for ever.
func (a *App) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { a.watchStore(ctx) })
	watching.Go(func() { a.control.Run(ctx) })
	if a.follower != nil {
		watching.Go(func() { a.follower.Run(ctx) })
		watching.Go(func() { a.keepRegistry(ctx) })
		watching.Go(func() { a.follower.TellUse(ctx) })
		watching.Go(func() { a.follower.TellSpending(ctx, &a.spending, a.replica) })
		watching.Go(func() { registry.Report(ctx, a.registry, a.replica, a.appliedRevision) })
	}
	if a.cert != nil {
		watching.Go(func() { a.cert.Follow(ctx) })
	}
	return func() {
		cancel()
		if !inTime(closeTimeout, watching.Wait) {
			a.log.Warn("files of the configuration are still being read, and are not waited for")
		}
	}
}

// closeTimeout bounds each wait at the end: for watches, for the reading of sources, and for
// settlements together with the last traces.
const closeTimeout = 5 * time.Second

// close closes what was built: first what changes the gateway, then what is used by requests,
// with the store behind the servers, and at the end what operators look on with.
func (a *App) close(ctx context.Context) error {
	if a.control != nil {
		inTime(closeTimeout, a.control.Close) // unless reading hangs
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	var err error
	if a.servers != nil {
		a.servers.Close()
	}
	a.mocks.close()
	a.keys.Close()
	if a.registry != nil {
		err = a.registry.Close()
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close(ctx))
	}
	if a.manage != nil {
		err = errors.Join(err, a.manage.server.Close())
	}
	if failed := a.tracer.Close(ctx); failed != nil {
		a.log.Warn("the last traces are lost", "error", failed)
	}
	return err
}
