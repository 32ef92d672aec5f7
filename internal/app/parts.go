package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/listener"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// openMetrics makes the registry, and the metrics that need no other part.
func (a *App) openMetrics(o *Options) {
	a.collectors = prometheus.NewRegistry()
	process := collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})
	a.collectors.MustRegister(collectors.NewGoCollector(), process)
	a.metrics = telemetry.NewMetrics(a.collectors)
	telemetry.RegisterServers(a.collectors, a.conditions)
	telemetry.RegisterRefused(a.collectors, a.refusedModels)
	telemetry.RegisterIssuers(a.collectors, a.keys.Read)
	telemetry.RegisterLostLines(a.collectors, o.LostLines)
}

// served returns the models that are served at the moment.
func (a *App) served() *catalog.Catalog { return a.current.Load().catalog }

// openTracer opens what sends traces, where the environment names a collector.
func (a *App) openTracer(ctx context.Context, version string) (err error) {
	a.tracer, err = telemetry.OpenTracer(ctx, version, func(err error) {
		a.log.Warn("traces do not reach the collector", "error", err)
	})
	return err
}

// openGate makes what finds out who sends a request.
func (a *App) openGate() {
	a.gate = &gate.Gate{
		Authenticator: a.authenticator, Log: a.log, TrustedProxies: a.config.Server.TrustedProxies,
	}
	if a.follower != nil {
		a.gate.Census = a.follower.Census
	}
}

// openDataPlane makes what serves models.
func (a *App) openDataPlane() {
	server := &a.config.Server
	limit := knownMemory(memlimit.FromCgroup)
	buffers := buffer.NewBudget(bufferedBytes(server.MaxBufferedBytes, limit, memlimit.FromSystem))
	telemetry.RegisterBuffers(a.collectors,
		buffers.Held, buffers.Most, buffers.Refused, buffers.CutOff)
	a.data = proxy.New(proxy.Options{
		Catalog: a.served, Store: a.store, Gate: a.gate, Log: a.log, Tracer: a.tracer,
		MaxBodyBytes: largestBody(server.MaxBodyBytes, buffers, a.log), Buffers: buffers,
		BodyTimeout: server.BodyTimeout,
		Readers:     a.readers(),
	})
}

// readers are those of the outcome of each request.
func (a *App) readers() []outcome.Reader {
	list := []outcome.Reader{
		outcome.Metrics{Metrics: a.metrics}, outcome.Log{Logger: a.log}, outcome.Trace{},
	}
	if a.registry != nil {
		list = append(list, expenses{&a.spending})
	}
	return list
}

// openAdministration makes what serves operators.
func (a *App) openAdministration(build admin.Build) {
	a.admin = admin.New(admin.Options{
		Catalog: a.served, Store: a.store, Gate: a.gate, Build: build,
		Metrics:  promhttp.HandlerFor(a.collectors, promhttp.HandlerOpts{EnableOpenMetrics: true}),
		Config:   func() admin.Effective { return a.current.Load().config },
		Registry: a.heard(),
		Draining: a.leaving.Load,
		Issuers:  a.keys.Read,
		Profiles: a.config.Management.Pprof,
	})
}

// openServer makes the server for clients, and that for operators where they have one.
func (a *App) openServer() (err error) {
	mux := &a.routes
	a.data.Register(mux)
	a.admin.Register(mux)
	a.registrar.Register(mux)
	if a.manage = newManagement(a.config, a.admin, a.log); a.manage == nil {
		a.admin.RegisterOperations(mux)
	}
	if err = a.openCertificate(); err != nil {
		return err
	}
	handler, err := a.clients(a.config, mux)
	if err != nil {
		return err
	}
	if a.cert != nil {
		a.patience = longestIdle(a.config.Services)
	}
	o := serverOptions(a.config, handler, a.log)
	o.Certificate, o.StreamPatience = a.cert, a.patience
	o.NetHTTP = a.config.Server.PlainHTTP == config.PlainHTTPNet
	a.server = listener.NewServer(o, a.scarce)
	return nil
}

// openCertificate opens the certificate of the server for clients, where it has one.
func (a *App) openCertificate() (err error) {
	files := a.config.Server.TLS
	if !files.Enabled() {
		return nil
	}
	a.cert, err = certificate.Open(certificate.Files{
		Section: "server.tls", Certificate: files.Certificate, Key: files.Key,
	}, a.log)
	if err != nil {
		return err
	}
	telemetry.RegisterGauge(a.collectors, "server_certificate_expiry_timestamp_seconds",
		"When the certificate of the listener for clients expires, in seconds since 1970.",
		func() int64 { return a.cert.Expires().Unix() })
	return nil
}

// serverOptions are those that all servers have in common.
func serverOptions(c *config.Config, handler http.Handler, log *slog.Logger) listener.Options {
	return listener.Options{
		Handler: handler, ReadHeaderTimeout: c.Server.ReadHeaderTimeout,
		IdleTimeout: c.Server.IdleTimeout, MaxHeaderBytes: int(c.Server.MaxHeaderBytes), Log: log,
	}
}

// longestIdle returns how long a client may read nothing, whatever it reads.
func longestIdle(services map[string]config.Service) time.Duration {
	var longest time.Duration
	for _, s := range services {
		longest = max(longest, s.IdleTimeout)
	}
	return longest
}
