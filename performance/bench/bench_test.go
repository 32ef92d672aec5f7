package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var tinyPlan = plan{
	Rounds: 2, Window: 50 * time.Millisecond, Warmup: 10 * time.Millisecond, Connections: 4, Users: 3,
	StreamRounds: 1, StreamWindow: 100 * time.Millisecond, Streams: 5,
	OpenStreams: 5, Accounts: 20, FurtherAccounts: 20, Watch: 60 * time.Millisecond,
	DirectStreams: 2, Soak: 300 * time.Millisecond, Settle: 40 * time.Millisecond,
	Profile:   time.Second,
	BenchTime: time.Millisecond, BenchCount: 1,
}

// testBench returns a tiny run with this test binary as the gateway, or with
// none.
func testBench(t *testing.T, gateway bool) *bench {
	t.Helper()
	b := &bench{directory: t.TempDir(), plan: tinyPlan, progress: io.Discard}
	if gateway {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		b.binary = self
	}
	t.Cleanup(b.stopAll)
	return b
}

func verdicts(rows []Row) map[string]string {
	all := make(map[string]string)
	for _, r := range rows {
		all[r.Path] = r.Verdict()
	}
	return all
}

// judged reports that a line was measured, whatever the figure.
func judged(verdict string) bool {
	return verdict == verdictOK || verdict == verdictMissed
}

func TestRunMeasuresGateway(t *testing.T) {
	b := testBench(t, true)
	b.others = []string{b.binary}
	b.profiles = t.TempDir()
	report := newReport(true)
	if err := b.run(t.Context(), []string{"streaming", "memory"}, report); err != nil {
		t.Fatal(err)
	}
	got := verdicts(report.rows())
	for _, path := range []string{
		"stream: gateway, usage metered and stripped",
		"resident memory: 1,000 open streams, 10,000 accounts",
		"resident memory: per further account",
	} {
		if !judged(got[path]) {
			t.Errorf("%s: %q; rows: %+v", path, got[path], report.rows())
		}
	}
	for name, want := range map[string]string{
		"cpu": "/debug/pprof/profile?seconds=1", "heap": "/debug/pprof/heap", "allocs": "/debug/pprof/allocs",
	} {
		got, err := os.ReadFile(filepath.Join(b.profiles, memoryName+"-stream-"+name+".pprof"))
		if err != nil || string(got) != want {
			t.Errorf("profile %s: %q, %v", name, got, err)
		}
	}
	if other := fmt.Sprintf("stream: %s / this gateway", b.binary); got[other] != verdictInformative {
		t.Errorf("%s: %q; rows: %+v", other, got[other], report.rows())
	}
	if len(b.children) > 0 {
		t.Errorf("%d children are still running", len(b.children))
	}
}

// The stand-in knows no Redis: the line must fail, not shine.
func TestRequestsFailWithoutRedisUse(t *testing.T) {
	b := testBench(t, true)
	section, err := b.requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := verdicts(section.Rows)
	if v := got["chat: gateway, memory store"]; !judged(v) {
		t.Errorf("memory store: %q; rows: %+v", v, section.Rows)
	}
	if v := got["chat: gateway, Redis strict"]; v != verdictFailed && v != verdictSkipped {
		t.Errorf("Redis strict: %q, want a failure where Redis is not used", v)
	}
	for _, s := range section.Series {
		if s.Skipped == "" && s.Failed == "" && len(s.Samples) != b.plan.Rounds {
			t.Errorf("%s has %d samples, want %d", s.Name, len(s.Samples), b.plan.Rounds)
		}
	}
}

// What claims to be the gateway and only forwards is found out.
func TestProbesRefuseMereProxy(t *testing.T) {
	b := testBench(t, false)
	upstream, err := ListenUpstream(time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	proxy, err := b.startReverseProxy(t.Context(), "proxy", upstream.Address(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.stopAll()
	for _, gateway := range []bool{false, true} {
		c := contender{name: "proxy", child: proxy, gateway: gateway}
		if err := probeChat(t.Context(), c); (err != nil) != gateway {
			t.Errorf("probeChat, gateway %t: %v", gateway, err)
		}
		if err := probeStream(t.Context(), c, upstream); (err != nil) != gateway {
			t.Errorf("probeStream, gateway %t: %v", gateway, err)
		}
	}
}

func TestRunWithoutGatewaySkips(t *testing.T) {
	b := testBench(t, false)
	report := newReport(true)
	if err := b.run(t.Context(), []string{"memory"}, report); err != nil {
		t.Fatal(err)
	}
	if n := report.count(verdictSkipped); n != 2 {
		t.Errorf("%d lines skipped, want 2: %+v", n, report.rows())
	}
	if diff := cmp.Diff([]string{}, files(t, b.directory)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			b := testBench(t, false)
			b.binary = "/no/such/gateway" // memory would be skipped without one
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := b.run(ctx, []string{s.name}, newReport(true)); err == nil {
				t.Error("no error")
			}
			if len(b.children) > 0 {
				t.Errorf("%d children are still running", len(b.children))
			}
		})
	}
}

// An interrupt in the middle of a measurement.
func TestRunInterrupted(t *testing.T) {
	for _, name := range []string{"requests", "streaming"} {
		b := testBench(t, false)
		b.plan.Rounds, b.plan.StreamRounds = 1000, 1000
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		if err := b.run(ctx, []string{name}, newReport(true)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want the context's", name, err)
		}
		if len(b.children) > 0 {
			t.Errorf("%d children are still running", len(b.children))
		}
	}
}

func files(t *testing.T, directory string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(directory, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{}, found...)
}
