package telemetry

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// seriesOf counts the series of a model.
func seriesOf(t *testing.T, r *prometheus.Registry, model string) (n int) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == modelLabel && l.GetValue() == model {
					n++
				}
			}
		}
	}
	return n
}

// count makes one of every series that a request can.
func count(m *Model) {
	m.Input.Inc()
	m.Answered("chat_completions", 200, time.Second)
	m.Exceeded("tokens", "minute", "user")
	m.UpstreamError("vllm:8000")
}

func TestSeriesGoWithTheLastHolder(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	count(m.Model("other"))
	all := seriesOf(t, r, "other")

	before := m.Model("a")
	count(before)
	after := m.Model("a")
	before.Release()
	count(after)
	if n := seriesOf(t, r, "a"); n != all {
		t.Errorf("a model that is served on has %d of %d series", n, all)
	}
	after.Release()
	if n := seriesOf(t, r, "a"); n != 0 {
		t.Errorf("%d series are left of a model that has gone", n)
	}
	count(m.Model("a"))
	if n := seriesOf(t, r, "a"); n != all {
		t.Errorf("a model that has returned has %d of %d series", n, all)
	}
	if n := seriesOf(t, r, "other"); n != all {
		t.Errorf("another model has %d of %d series", n, all)
	}
}

// TestSeriesOfManyModels: models come, are used and go at the same time, and
// nothing of them stays.
func TestSeriesOfManyModels(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	m.Model("kept")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				for _, name := range []string{fmt.Sprint("model-", (i+j)%3), "kept"} {
					x := m.Model(name)
					count(x)
					x.Release()
				}
			}
		})
	}
	wg.Wait()
	for i := range 3 {
		if n := seriesOf(t, r, fmt.Sprint("model-", i)); n != 0 {
			t.Errorf("model-%d has %d series", i, n)
		}
	}
	if seriesOf(t, r, "kept") == 0 {
		t.Error("a model that is served has no series")
	}
}

// TestAnswersAreCountedByEndpointAndStatus, with what was looked up before and without.
func TestAnswersAreCountedByEndpointAndStatus(t *testing.T) {
	r := prometheus.NewRegistry()
	x := NewMetrics(r).Model("a")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 300 {
				x.Answered(fmt.Sprint("endpoint-", i%3), 200+i%2*229, time.Second)
			}
		})
	}
	wg.Wait()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "model_request_duration_seconds" {
				got[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetHistogram().GetSampleCount()
			}
		}
	}
	want := map[string]uint64{}
	for i := range 3 {
		want[fmt.Sprint("endpoint-", i, " 200")], want[fmt.Sprint("endpoint-", i, " 429")] = 200, 200
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := len(x.successes); n != 3 {
		t.Errorf("%d successes are remembered, want one for each endpoint", n)
	}
}
