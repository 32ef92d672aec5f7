package main

import (
	"context"
	"errors"
)

// Names of contenders and of their processes.
const (
	baselineName = "reverseproxy"
	controlName  = "control"
	memoryName   = "gateway-memory"
	strictName   = "gateway-redis-strict"
	nginxName    = "nginx"
)

// requests measures the CPU time of a small chat request that is not
// streamed.
func (b *bench) requests(ctx context.Context) (Section, error) {
	upstream, err := ListenUpstream(0)
	if err != nil {
		return Section{}, err
	}
	defer upstream.Close()
	defer b.stopAll()
	contenders, err := b.requestContenders(ctx, upstream.Address())
	if err != nil {
		return Section{}, err
	}
	for i := range contenders {
		contenders[i].probe(func(c contender) error { return probeChat(ctx, c) })
	}
	all, err := interleave(ctx, contenders, b.plan.Rounds, b.measureRequests)
	if err != nil {
		return Section{}, err
	}
	b.profile(ctx, contenders, (*bench).measureRequests)
	return Section{Name: "requests", Series: all, Rows: b.requestRows(all)}, nil
}

// requestContenders starts everybody who takes part. The baseline comes
// first; see requestRows for the order.
func (b *bench) requestContenders(ctx context.Context, upstream string) ([]contender, error) {
	baseline, err1 := b.startReverseProxy(ctx, baselineName, upstream, 0)
	control, err2 := b.startReverseProxy(ctx, controlName, upstream, 0)
	memory, err3 := b.contendGateway(ctx, memoryName, upstream, nil)
	redis, err4 := b.startRedis(ctx)
	nginx, err5 := b.startNginx(ctx, nginxName, upstream, "on")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	strict := contender{name: strictName, skipped: redisMissing}
	if redis != nil {
		var err error
		if strict, err = b.contendGateway(ctx, strictName, upstream, redis); err != nil {
			return nil, err
		}
	}
	others, err := b.contendOthers(ctx, memoryName, upstream)
	return append([]contender{
		{name: baselineName, child: baseline},
		{name: controlName, child: control},
		memory,
		strict,
		contendNginx(nginx),
	}, others...), err
}

// measureRequests loads one contender, after a moment that does not count in
// which it opens its connections.
func (b *bench) measureRequests(ctx context.Context, c contender) (Sample, error) {
	load := Load{Address: c.child.Address, Connections: b.plan.Connections, Users: b.plan.Users, For: b.plan.Warmup}
	if _, err := load.Run(ctx); err != nil {
		return Sample{}, err
	}
	load.For = b.plan.Window
	var result LoadResult
	sample, err := costed(c, func() (int, error) {
		var err error
		if result, err = load.Run(ctx); err != nil {
			return 0, err
		}
		return result.Requests, result.err()
	})
	sample.Latency = result.Latency
	return sample, err
}

func (b *bench) requestRows(all []Series) []Row {
	baseline, control, memory, strict, nginx := all[0], all[1], all[2], all[3], all[4]
	return append([]Row{
		costRow("chat: CPU per request of ReverseProxy", baseline),
		controlRow("chat: a second ReverseProxy (control)", control, baseline),
		ratioRow("chat: gateway, memory store", memory, baseline, &Bound{Budget: 0.60, Aim: 0.40}),
		ratioRow("chat: gateway, Redis strict", strict, baseline, &Bound{Budget: 1.00, Aim: 0.70}),
		ratioRow("chat: nginx", nginx, baseline, nil),
		rateRow("chat: requests/s of ReverseProxy", baseline, nil),
		rateRow("chat: requests/s, memory store", memory, nil),
		rateRow("chat: requests/s, Redis strict", strict, &Bound{Budget: 10_000, Aim: 20_000, AtLeast: true}),
	}, b.otherRows("chat", all[5:], memory)...)
}
