package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

// reverseProxyCommand is the baseline, in a process of its own: the standard
// library's proxy with its defaults and enough idle connections, and nothing
// else. It runs until it is killed.
type reverseProxyCommand struct {
	Listen        string        `required:"" help:"Address to listen on."`
	Upstream      *url.URL      `required:"" help:"Base URL of the model server."`
	FlushInterval time.Duration `help:"As in httputil.ReverseProxy; negative flushes after every write."`
}

// Run serves until the process is killed.
func (c reverseProxyCommand) Run() error {
	server := http.Server{Addr: c.Listen, Handler: c.handler(), ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

func (c reverseProxyCommand) handler() http.Handler {
	const idle = 4096 // above every number of connections that a scenario uses
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(c.Upstream) },
		Transport:     &http.Transport{MaxIdleConns: idle, MaxIdleConnsPerHost: idle},
		FlushInterval: c.FlushInterval,
	}
}

// startReverseProxy starts this binary in the role of the baseline.
func (b *bench) startReverseProxy(ctx context.Context, name, upstream string, flush time.Duration) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, name, address, accepts(address), self,
		baselineRole, "--listen="+address, "--upstream=http://"+upstream, "--flush-interval="+flush.String())
}
