package main

import (
	"context"
	"time"
)

// slowPace is the pace of the streams that are open while memory is measured:
// they are to take memory, not CPU time.
const slowPace = 100 * time.Millisecond

// memory measures the resident memory of the gateway with many open streams
// and accounts, and what each further account adds.
func (b *bench) memory(ctx context.Context) (Section, error) {
	rows := []Row{
		{Path: "resident memory: 1,000 open streams, 10,000 accounts", Unit: "MiB", Bound: &Bound{Budget: 80, Aim: 50}},
		{Path: "resident memory: per further account", Unit: "KiB", Bound: &Bound{Budget: 1.5, Aim: 0.9}},
	}
	section := Section{Name: "memory", Rows: rows}
	if b.binary == "" {
		rows[0].Skipped, rows[1].Skipped = noGateway, noGateway
		return section, nil
	}
	total, further, err := b.measureMemory(ctx)
	if ctx.Err() != nil {
		return section, ctx.Err()
	}
	if err != nil {
		rows[0].Failed, rows[1].Failed = err.Error(), err.Error()
		return section, nil
	}
	rows[0].Value = spreadOf([]float64{float64(total) / (1 << 20)})
	rows[1].Value = spreadOf([]float64{float64(further) / float64(b.plan.FurtherAccounts) / (1 << 10)})
	return section, nil
}

// measureMemory returns, in bytes, the peak with open streams and the first
// accounts, and by how much the further accounts raised it.
func (b *bench) measureMemory(ctx context.Context) (total, further int64, err error) {
	upstream, err := ListenUpstream(slowPace)
	if err != nil {
		return 0, 0, err
	}
	defer upstream.Close()
	defer b.stopAll()
	gateway, err := b.startGateway(ctx, memoryName+"-resident", b.binary, upstream.Address(), nil)
	if err != nil {
		return 0, 0, err
	}
	if err := b.request(ctx, gateway, 0, b.plan.Accounts, b.plan.Accounts); err != nil {
		return 0, 0, err
	}
	streams, err := OpenStreams(ctx, gateway.Address, b.plan.OpenStreams)
	if err != nil {
		return 0, 0, err
	}
	defer streams.Close()
	if total, err = peakResident(ctx, gateway.PID(), b.plan.Watch); err != nil {
		return 0, 0, err
	}
	if further, err = b.growth(ctx, gateway); err != nil {
		return 0, 0, err
	}
	return total, further, streams.Err()
}

// growth returns by how many bytes the further accounts raise the peak. It
// first sends as many requests in the name of users who have accounts: what
// traffic alone makes the heap grow to is not the accounts'.
func (b *bench) growth(ctx context.Context, gateway *Child) (int64, error) {
	var peaks [2]int64
	for i, users := range []int{b.plan.Accounts, b.plan.FurtherAccounts} {
		first := i * b.plan.Accounts
		if err := b.request(ctx, gateway, first, users, b.plan.FurtherAccounts); err != nil {
			return 0, err
		}
		var err error
		if peaks[i], err = peakResident(ctx, gateway.PID(), b.plan.Watch); err != nil {
			return 0, err
		}
	}
	return max(0, peaks[1]-peaks[0]), nil
}

// request sends requests in the name of users, each the same number of times.
func (b *bench) request(ctx context.Context, gateway *Child, first, users, requests int) error {
	load := Load{Address: gateway.Address, Connections: b.plan.Connections, FirstUser: first, Users: users, Requests: requests}
	result, err := load.Run(ctx)
	if err != nil {
		return err
	}
	return result.err()
}
