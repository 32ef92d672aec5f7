package main

import (
	"context"
	"errors"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInterleave(t *testing.T) {
	var order []string
	measure := func(_ context.Context, c contender) (Sample, error) {
		order = append(order, c.name)
		if c.name == "broken" && len(order) > 3 {
			return Sample{}, errors.New("503")
		}
		return Sample{Cost: float64(len(order))}, nil
	}
	list := []contender{{name: "a"}, {name: "broken"}, {name: "absent", skipped: "not installed"}, {name: "refused", failed: "no limit"}, {name: "b"}}
	all, err := interleave(t.Context(), list, 3, measure)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "broken", "b", "a", "broken", "b", "a", "b"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	want := []Series{
		{Name: "a", Samples: []Sample{{Cost: 1}, {Cost: 4}, {Cost: 7}}},
		{Name: "broken", Failed: "503"},
		{Name: "absent", Skipped: "not installed"},
		{Name: "refused", Failed: "no limit"},
		{Name: "b", Samples: []Sample{{Cost: 3}, {Cost: 6}, {Cost: 8}}},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestInterleaveEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := interleave(ctx, []contender{{name: "a"}}, 3, func(context.Context, contender) (Sample, error) {
		cancel()
		return Sample{}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

// An interrupt while the probes run makes them fail, not the contenders.
func TestInterleaveAfterInterruptedProbes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := interleave(ctx, []contender{{name: "a", failed: "context canceled"}}, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestRatiosPairRounds(t *testing.T) {
	baseline := Series{Samples: []Sample{{Cost: 10}, {Cost: 100}}}
	s := Series{Samples: []Sample{{Cost: 5}, {Cost: 50}}}
	if diff := cmp.Diff([]float64{0.5, 0.5}, s.ratios(baseline)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := s.ratios(Series{Failed: "x"}); len(got) > 0 {
		t.Errorf("ratios %v to a baseline that failed", got)
	}
}

func TestCosted(t *testing.T) {
	child, err := startChild(t.Context(), t.TempDir(), "busy", "", always, "sh", "-c", "while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	defer child.Stop()
	c := contender{name: "busy", child: child, store: child}
	sample, err := costed(c, func() (int, error) {
		return 10, exec.CommandContext(t.Context(), "sleep", "0.05").Run()
	})
	if err != nil || sample.Cost <= 0 || sample.Cost > 1e6 || sample.StoreCost <= 0 || sample.Rate <= 0 || sample.Rate > 200 {
		t.Errorf("sample %+v, %v", sample, err)
	}
	if _, err := costed(c, func() (int, error) { return 0, nil }); err == nil {
		t.Error("no error where nothing happened")
	}
}

func TestControlRowDoubtsBusyMachine(t *testing.T) {
	baseline := Series{Samples: []Sample{{Cost: 10}, {Cost: 10}, {Cost: 10}}}
	for _, c := range []struct {
		cost    float64
		doubted bool
	}{{10, false}, {10.9, false}, {9.1, false}, {12, true}, {8, true}} {
		control := Series{Samples: []Sample{{Cost: c.cost}, {Cost: c.cost}, {Cost: 30}}}
		if got := controlRow("control", control, baseline); (got.Note != "") != c.doubted {
			t.Errorf("cost %v: note %q", c.cost, got.Note)
		}
	}
}
