package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// eventPace is the time between two events of a stream: 100 tokens a second.
const eventPace = 10 * time.Millisecond

// streaming measures the CPU time per event of many concurrent streams whose
// clients did not ask for usage.
func (b *bench) streaming(ctx context.Context) (Section, error) {
	upstream, err := ListenUpstream(eventPace)
	if err != nil {
		return Section{}, err
	}
	defer upstream.Close()
	defer b.stopAll()
	contenders, err := b.streamContenders(ctx, upstream.Address())
	if err != nil {
		return Section{}, err
	}
	for i := range contenders {
		contenders[i].probe(func(c contender) error { return probeStream(ctx, c, upstream) })
	}
	all, err := interleave(ctx, contenders, b.plan.StreamRounds, b.measureStreams)
	if err != nil {
		return Section{}, err
	}
	b.profile(ctx, contenders, (*bench).measureStreams)
	return Section{Name: "streaming", Series: all, Rows: b.streamRows(all)}, nil
}

// streamContenders starts everybody who takes part. The baseline comes first;
// see streamRows for the order.
func (b *bench) streamContenders(ctx context.Context, upstream string) ([]contender, error) {
	baseline, err1 := b.startReverseProxy(ctx, baselineName+"-stream", upstream, -1)
	control, err2 := b.startReverseProxy(ctx, controlName+"-stream", upstream, -1)
	gateway, err3 := b.contendGateway(ctx, memoryName+"-stream", upstream, nil)
	nginx, err4 := b.startNginx(ctx, nginxName+"-stream", upstream, "off")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	others, err := b.contendOthers(ctx, memoryName+"-stream", upstream)
	return append([]contender{
		{name: baselineName, child: baseline},
		{name: controlName, child: control},
		gateway,
		contendNginx(nginx),
	}, others...), err
}

// measureStreams opens the streams of one contender and, when they have been
// running for a moment, counts events for a while.
func (b *bench) measureStreams(ctx context.Context, c contender) (sample Sample, err error) {
	streams, err := OpenStreams(ctx, c.child.Address, b.plan.Streams)
	if err != nil {
		return Sample{}, err
	}
	defer func() { sample.Latency = streams.Close() }()
	if err := pause(ctx, b.plan.Warmup); err != nil {
		return Sample{}, err
	}
	streams.Record()
	before := streams.Events()
	return costed(c, func() (int, error) {
		if err := pause(ctx, b.plan.StreamWindow); err != nil {
			return 0, err
		}
		return int(streams.Events() - before), streams.Err()
	})
}

func (b *bench) streamRows(all []Series) []Row {
	baseline, control, gateway, nginx := all[0], all[1], all[2], all[3]
	wanted := float64(b.plan.Streams) / eventPace.Seconds()
	rows := []Row{
		costRow("stream: CPU per event of ReverseProxy", baseline),
		controlRow("stream: a second ReverseProxy (control)", control, baseline),
		ratioRow("stream: gateway, usage metered and stripped", gateway, baseline, &Bound{Budget: 1.00, Aim: 0.70}),
		ratioRow("stream: nginx, unbuffered", nginx, baseline, nil),
	}
	rows = append(rows, b.otherRows("stream", all[4:], gateway)...)
	for i, s := range all {
		if got := spreadOf(s.of(rate)); got.Median > 0 && got.Min < 0.95*wanted {
			rows[i].Note = fmt.Sprintf("only %.0f of %.0f events/s arrived: the machine is overloaded", got.Min, wanted)
		}
	}
	return rows
}
