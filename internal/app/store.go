package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/redis"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// openStore opens the store that is configured. A Redis that is away is no error: the gateway
// starts, is not ready, and recovers by itself.
func (a *App) openStore(ctx context.Context) (limit.Store, error) {
	c, r := a.config, a.collectors
	if c.RateLimit.Store == config.StoreMemory {
		s := memory.New(memory.Options{MaxAccounts: int(c.RateLimit.MaxAccounts)})
		telemetry.RegisterGauge(r, "rate_limit_accounts",
			"Accounts of users that are kept in memory.", s.Accounts)
		telemetry.RegisterGauge(r, "rate_limit_accounts_full",
			"1 while new users share one account per model, because max-accounts is reached.",
			func() int {
				if s.Full() {
					return 1
				}
				return 0
			})
		return s, nil
	}
	o := redis.Options{
		Address:  net.JoinHostPort(c.Redis.Host, strconv.FormatInt(c.Redis.Port, 10)),
		Username: c.Redis.Username, Password: c.Redis.Password, Database: int(c.Redis.Database),
		Timeout: c.Redis.Timeout, Observe: a.metrics.Store,
	}
	tellOfRedis(&o, r, a.log)
	var err error
	if o.TLS, err = redisTLS(c.Redis); err != nil {
		return nil, err
	}
	s, err := redis.New(ctx, o)
	if err != nil {
		return nil, err
	}
	telemetry.RegisterCounter(r, "rate_limit_store_lost_settlements_total",
		"Charges that were settled without a refund, for the store had lost their records.",
		func() int64 { return s.Stats().Lost })
	telemetry.RegisterGauge(r, "rate_limit_store_waiting_settlements",
		"Settlements of this replica that the store has not applied yet.",
		func() int { return s.Stats().Waiting })
	return s, nil
}

// tellOfRedis counts, and warns of, what no request is told of.
func tellOfRedis(o *redis.Options, r prometheus.Registerer, log *slog.Logger) {
	var steps, restored, uncounted atomic.Int64
	telemetry.RegisterCounter(r, "rate_limit_store_clock_steps_total",
		"Steps of the store's clock by more than a second, as this gateway saw them.", steps.Load)
	telemetry.RegisterCounter(r, "rate_limit_store_restored_requests_total",
		"Running requests that the store had lost, and that count there again.", restored.Load)
	telemetry.RegisterCounter(r, "rate_limit_store_uncounted_requests_total",
		"Requests to models without limits that are not counted, "+
			"for too much waited for the store.", uncounted.Load)
	o.Forgone = func(model string, first bool) {
		if uncounted.Add(1); first {
			log.Warn("requests to a model without limits are served and not counted, "+
				"for too much waits for Redis", "model", model)
		}
	}
	o.Stepped = func(by time.Duration) {
		steps.Add(1)
		if by > 0 {
			log.Warn("the clock of Redis has stepped ahead: "+
				"what was charged leaves its windows too early by that time", "by", by.String())
		} else {
			log.Warn("the clock of Redis has stepped back: "+
				"windows go on from where they were", "by", by.String())
		}
	}
	o.Restored = func(model string, requests int) {
		restored.Add(int64(requests))
		log.Warn("Redis had lost what this gateway is running; it counts again, and is settled "+
			"without a refund", "model", model, "requests", requests)
	}
}

// redisTLS returns how to encrypt the connection to Redis, or nil.
func redisTLS(c *config.Redis) (*tls.Config, error) {
	if !c.TLS.Enabled {
		return nil, nil
	}
	t := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: cmp.Or(c.TLS.ServerName, c.Host),
	}
	if c.TLS.CAFile != "" {
		var err error
		if t.RootCAs, _, err = certificate.ReadRoots(c.TLS.CAFile); err != nil {
			return nil, fmt.Errorf("redis.tls.%w", err)
		}
	}
	if c.TLS.Certificate != "" {
		files := certificate.Files{
			Section: "redis.tls", Certificate: c.TLS.Certificate, Key: c.TLS.Key,
		}
		pair, err := files.Load()
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

const (
	watchInterval = time.Second // how often the store is asked whether it can decide
	// watchAgain is when it is asked the second time, before it is said to be away.
	watchAgain = 200 * time.Millisecond
	told       = 2 // how often in a row the store must fail before the log says so
)

// watchStore keeps the gauge and writes a line when the store goes away (it failed twice) and when
// it is back, and for each model that it refuses, until ctx ends.
func (a *App) watchStore(ctx context.Context) {
	failures, checked := 0, false
	refused := refusals{}
	for {
		err := a.store.Ping(ctx)
		if ctx.Err() != nil {
			return
		}
		a.forgetModels()
		next := watchInterval
		if err != nil {
			if failures++; failures < told {
				next = watchAgain
			}
			if failures == told {
				a.metrics.Degraded(true)
				a.log.Error("the store is away; "+
					"requests under limits are answered with 503 until it is back", "error", err)
			}
		} else {
			if failures >= told {
				a.metrics.Degraded(false)
				a.log.Info("the store is back")
			}
			failures = 0
			refused.look(a.log, a.served().All(), a.store.Refused)
			if !checked {
				checked = true
				a.warnOfHazard(ctx)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

// refusedModels returns the models that are served, and which of them the store refuses.
func (a *App) refusedModels() map[string]bool {
	models := map[string]bool{}
	for _, m := range a.served().All() {
		models[m.Name] = a.store.Refused(m.Policy.Model()) != nil
	}
	return models
}

// refusals knows for how many looks in a row the store has refused the accounts of which models.
type refusals map[string]int

// look writes a line for each model that the store refuses for the second time in a row (what it
// has refused while it was away passes by itself), and one when it takes it again.
func (r refusals) look(log *slog.Logger, served []*catalog.Model, refused func(string) error) {
	now := map[string]bool{}
	for _, m := range served {
		name := m.Policy.Model()
		err := refused(name)
		if err == nil || now[name] {
			continue
		}
		now[name] = true
		if r[name]++; r[name] == told {
			log.Error("the store refuses one model, whose requests are answered with 503 "+
				"or not settled; others are served", "model", name, "error", err)
		}
	}
	for name, looks := range r {
		if now[name] {
			continue
		}
		delete(r, name)
		if looks >= told {
			log.Info("the store takes the model again", "model", name)
		}
	}
}

// warnOfHazard warns of a store that may lose what it counts.
func (a *App) warnOfHazard(ctx context.Context) {
	if hazard, err := a.store.Hazard(ctx); err == nil && hazard != "" {
		a.log.Warn("the store may lose what it counts", "hazard", hazard)
	}
}
