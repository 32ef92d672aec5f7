package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// The lines of the soak that are judged.
const (
	soakDelayPath     = "soak: delay of an event that the gateway adds, p99"
	soakGapPath       = "soak: time between events that the gateway adds, p99"
	soakResidentPath  = "soak: resident memory, 1,000 open streams, 10,000 accounts"
	soakGoroutinePath = "soak: goroutines left behind"
	soakFilePath      = "soak: descriptors left behind"
)

// soak keeps many streams open through the gateway for minutes, with some
// beside them that come to the client directly from the same model server. It
// measures what the gateway adds to the time of an event, how much memory it
// takes meanwhile, and what it has left when the streams are gone.
func (b *bench) soak(ctx context.Context) (Section, error) {
	if b.binary == "" {
		return Section{Name: "soak", Rows: soakRows(func(r *Row) { r.Skipped = noGateway })}, nil
	}
	s, err := b.measureSoak(ctx)
	if ctx.Err() != nil {
		return Section{}, ctx.Err()
	}
	if err != nil {
		return Section{Name: "soak", Rows: soakRows(func(r *Row) { r.Failed = err.Error() })}, nil
	}
	return Section{Name: "soak", Rows: s.rows(b.plan)}, nil
}

// directLate is how long direct events may take at the 99th percentile. Where
// they take longer it is the machine that is measured, and a difference of two
// such times may come out either way.
const directLate = 10 * time.Millisecond

// soakApart is the time between the openings of two streams. Streams keep the
// phase of their opening, and 100 of them would fill the time between two
// events of one; a thousand that are opened at once would come as one bunch ten
// times a second, and it is the bunch that would be measured.
const soakApart = time.Millisecond

// soakRows returns the judged lines, each of which fill completes.
func soakRows(fill func(*Row)) []Row {
	rows := []Row{
		{Path: soakDelayPath, Unit: "ms", Bound: &Bound{Budget: 2, Aim: 1}},
		{Path: soakGapPath, Unit: "ms", Bound: &Bound{Budget: 2, Aim: 1}},
		{Path: soakResidentPath, Unit: "MiB", Bound: &Bound{Budget: 80, Aim: 50}},
		{Path: soakGoroutinePath, Unit: "goroutines", Bound: &Bound{}},
		{Path: soakFilePath, Unit: "descriptors", Bound: &Bound{}},
	}
	for i := range rows {
		fill(&rows[i])
	}
	return rows
}

// soaked is what a soak has found.
type soaked struct {
	direct, proxied eventTimes
	events          int64 // that came through the gateway
	elapsed         time.Duration
	resident        int64 // bytes, at most
	before, after   held
	busy            string // how busy the machine was
}

// eventTimes describes the events of streams: how long each was on its way,
// and by how much longer than the one before it. The second is what a stream's
// reader sees between two events beyond what the model server let pass between
// them.
type eventTimes struct{ delay, gap Percentiles }

// timesOf describes the delays of streams, each in the order of its events.
func timesOf(streams [][]time.Duration) eventTimes {
	var delays, gaps []time.Duration
	for _, s := range streams {
		delays = append(delays, s...)
		for i := 1; i < len(s); i++ {
			gaps = append(gaps, s[i]-s[i-1])
		}
	}
	return eventTimes{percentilesOf(delays), percentilesOf(gaps)}
}

// measureSoak runs the soak on a gateway of its own.
func (b *bench) measureSoak(ctx context.Context) (s soaked, err error) {
	upstream, err := ListenUpstream(slowPace)
	if err != nil {
		return s, err
	}
	defer upstream.Close()
	defer b.stopAll()
	gateway, err := b.startGateway(ctx, memoryName+"-soak", b.binary, upstream.Address(), nil)
	if err != nil {
		return s, err
	}
	if err := b.request(ctx, gateway, 0, b.plan.Accounts, b.plan.Accounts); err != nil {
		return s, err
	}
	if s.before, err = leastHeld(ctx, gateway, b.plan.Settle); err != nil {
		return s, err
	}
	if err := b.holdStreams(ctx, gateway, upstream, &s); err != nil {
		return s, err
	}
	s.after, err = leastHeld(ctx, gateway, b.plan.Settle)
	return s, err
}

// holdStreams keeps the streams open for as long as planned, and closes them.
func (b *bench) holdStreams(ctx context.Context, gateway *Child, upstream *Upstream, s *soaked) error {
	proxied, err := OpenStreamsApart(ctx, gateway.Address, b.plan.OpenStreams, soakApart)
	if err != nil {
		return err
	}
	defer proxied.Close()
	if metered := upstream.Metered.Load(); metered < int64(b.plan.OpenStreams) {
		return fmt.Errorf("the model server was asked for usage on %d of %d streams: the others are not metered", metered, b.plan.OpenStreams)
	}
	direct, err := OpenStreamsApart(ctx, upstream.Address(), b.plan.DirectStreams, soakApart)
	if err != nil {
		return err
	}
	defer direct.Close()
	if err := pause(ctx, b.plan.Warmup); err != nil {
		return err
	}
	loadBefore := loadAverage()
	begun, before := time.Now(), proxied.Events()
	proxied.Record()
	direct.Record()
	if s.resident, err = peakResident(ctx, gateway.PID(), b.plan.Soak); err != nil {
		return err
	}
	s.events, s.elapsed = proxied.Events()-before, time.Since(begun)
	s.busy = fmt.Sprintf("load average %s before and %s after", loadBefore, loadAverage())
	for _, streams := range []*Streams{proxied, direct} {
		if err := streams.Err(); err != nil {
			return err
		}
		streams.Close()
	}
	s.proxied, s.direct = timesOf(proxied.Delays()), timesOf(direct.Delays())
	return nil
}

// loadAverage returns the load averages of the machine, "unknown" where the
// system does not tell.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}

// rows returns the report: what events took on either way, for orientation,
// and the lines that are judged.
func (s soaked) rows(p plan) []Row {
	judged := map[string]float64{
		soakDelayPath:     milliseconds(s.proxied.delay.P99 - s.direct.delay.P99),
		soakGapPath:       milliseconds(s.proxied.gap.P99 - s.direct.gap.P99),
		soakResidentPath:  float64(s.resident) / (1 << 20),
		soakGoroutinePath: float64(max(0, s.after.goroutines-s.before.goroutines)),
		soakFilePath:      float64(max(0, s.after.descriptors-s.before.descriptors)),
	}
	through := timeRow("soak: an event through the gateway, p99", s.proxied.delay)
	rate := float64(s.events) / s.elapsed.Seconds()
	through.Note = fmt.Sprintf("%d streams for %.0f s, %.0f of %.0f events/s; %s",
		p.OpenStreams, s.elapsed.Seconds(), rate, float64(p.OpenStreams)/slowPace.Seconds(), s.busy)
	rows := []Row{
		through,
		timeRow(fmt.Sprintf("soak: an event of %d direct streams, p99", p.DirectStreams), s.direct.delay),
		timeRow("soak: time added between events through the gateway, p99", s.proxied.gap),
		timeRow("soak: time added between events of direct streams, p99", s.direct.gap),
	}
	return append(rows, soakRows(func(r *Row) {
		r.Value = spreadOf([]float64{judged[r.Path]})
		switch r.Path {
		case soakDelayPath, soakGapPath:
			if late := s.direct.delay.P99; late > directLate {
				r.Failed = fmt.Sprintf("the machine is too busy to judge: direct events take %v themselves at the 99th percentile", late)
			}
		case soakGoroutinePath:
			r.Note = fmt.Sprintf("%d before the streams, %d after them", s.before.goroutines, s.after.goroutines)
		case soakFilePath:
			r.Note = fmt.Sprintf("%d before the streams, %d after them", s.before.descriptors, s.after.descriptors)
		}
	})...)
}

// timeRow shows percentiles, for orientation.
func timeRow(path string, p Percentiles) Row {
	return Row{Path: path, Unit: "ms", Value: spreadOf([]float64{milliseconds(p.P99)}), Latency: p}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
