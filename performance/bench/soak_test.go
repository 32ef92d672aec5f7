package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSoak(t *testing.T) {
	b := testBench(t, true)
	section, err := b.soak(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := verdicts(section.Rows)
	for _, path := range []string{soakDelayPath, soakGapPath, soakResidentPath, soakGoroutinePath, soakFilePath} {
		busy := got[path] == verdictFailed && (path == soakDelayPath || path == soakGapPath)
		if !judged(got[path]) && !busy {
			t.Errorf("%s: %q; rows: %+v", path, got[path], section.Rows)
		}
	}
	for _, r := range section.Rows {
		if strings.HasPrefix(r.Path, "soak: an event") && r.Latency.P99 <= 0 {
			t.Errorf("%s: %v", r.Path, r.Latency)
		}
	}
}

func TestSoakWithoutGatewaySkips(t *testing.T) {
	section, err := testBench(t, false).soak(t.Context())
	if err != nil || len(section.Rows) == 0 || slices.ContainsFunc(section.Rows, func(r Row) bool { return r.Verdict() != verdictSkipped }) {
		t.Errorf("%v %+v", err, section.Rows)
	}
}

// What falls short of a line makes it missed, and no other.
func TestSoakVerdicts(t *testing.T) {
	ms := time.Millisecond
	good := soaked{
		direct:  eventTimes{Percentiles{P99: 3 * ms}, Percentiles{P99: 4 * ms}},
		proxied: eventTimes{Percentiles{P99: 5 * ms}, Percentiles{P99: 6 * ms}},
		elapsed: time.Second, resident: 80 << 20,
		before: held{100, 20}, after: held{99, 20},
	}
	for path, spoil := range map[string]func(*soaked){
		"":                func(*soaked) {},
		soakDelayPath:     func(s *soaked) { s.proxied.delay.P99 += ms },
		soakGapPath:       func(s *soaked) { s.direct.gap.P99 -= ms },
		soakResidentPath:  func(s *soaked) { s.resident++ },
		soakGoroutinePath: func(s *soaked) { s.after.goroutines = 101 },
		soakFilePath:      func(s *soaked) { s.after.descriptors = 21 },
	} {
		s := good
		spoil(&s)
		for name, verdict := range verdicts(s.rows(tinyPlan)) {
			if (verdict == verdictMissed) != (name == path) {
				t.Errorf("with a miss in %q, the line %q is %s", path, name, verdict)
			}
		}
	}
}

// Nothing is read out of times that the machine has made.
func TestSoakOnABusyMachineIsNotJudged(t *testing.T) {
	s := soaked{direct: eventTimes{delay: Percentiles{P99: directLate + 1}}, elapsed: time.Second}
	got := verdicts(s.rows(tinyPlan))
	for _, path := range []string{soakDelayPath, soakGapPath} {
		if got[path] != verdictFailed {
			t.Errorf("%s: %s", path, got[path])
		}
	}
}

func TestTimesOf(t *testing.T) {
	got := timesOf([][]time.Duration{{5, 7, 4}, {}, {9}, {1, 1}})
	want := eventTimes{
		delay: Percentiles{P50: 4, P90: 9, P99: 9}, // 1 1 4 5 7 9
		gap:   Percentiles{P50: 0, P90: 2, P99: 2}, // -3 0 2
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(eventTimes{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseGoroutines(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  int
		fails bool
	}{
		{"# TYPE go_goroutines gauge\ngo_goroutines 17\nx 1\n", 17, false},
		{"go_goroutines 1.2e+03\n", 1200, false},
		{"go_goroutines 0\n", 0, true},
		{"go_goroutines x\n", 0, true},
		{"go_goroutines_x 3\n", 0, true},
		{"", 0, true},
	} {
		if got, err := parseGoroutines([]byte(c.text)); got != c.want || (err != nil) != c.fails {
			t.Errorf("%q: %d, %v; want %d, error %t", c.text, got, err, c.want, c.fails)
		}
	}
}
