package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVerdict(t *testing.T) {
	most, least := &Bound{Budget: 1, Aim: 0.5}, &Bound{Budget: 1, Aim: 2, AtLeast: true}
	for _, c := range []struct {
		name string
		row  Row
		want string
	}{
		{"on the budget", Row{Bound: most, Value: Spread{Median: 1, Max: 9}}, verdictOK},
		{"above", Row{Bound: most, Value: Spread{Median: 1.01}}, verdictMissed},
		{"enough", Row{Bound: least, Value: Spread{Median: 1}}, verdictOK},
		{"too little", Row{Bound: least, Value: Spread{Median: 0.99}}, verdictMissed},
		{"no allocations", Row{Bound: &Bound{}, Value: Spread{}}, verdictOK},
		{"one allocation", Row{Bound: &Bound{}, Value: Spread{Median: 1}}, verdictMissed},
		{"the least is on the budget", Row{Bound: most, Least: true, Value: Spread{Median: 2, Min: 1, Max: 3}}, verdictOK},
		{"the least is above", Row{Bound: most, Least: true, Value: Spread{Median: 2, Min: 1.01, Max: 3}}, verdictMissed},
		{"no bound", Row{}, verdictInformative},
		{"not judged", Row{Bound: most, Informative: true, Value: Spread{Median: 9}}, verdictInformative},
		{"skipped", Row{Bound: most, Skipped: "x"}, verdictSkipped},
		{"failed", Row{Bound: most, Failed: "x"}, verdictFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.row.Verdict(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

var sampleRows = []Row{
	{Path: "gateway", Unit: "ratio", Bound: &Bound{Budget: 0.6, Aim: 0.4}, Value: Spread{0.471, 0.45, 0.5},
		Latency: Percentiles{P50: 876 * time.Microsecond, P99: 4321 * time.Microsecond}},
	{Path: "memory", Unit: "MiB", Bound: &Bound{Budget: 80, Aim: 50}, Value: Spread{123.4, 123.4, 123.4}},
	{Path: "rate", Unit: "/s", Informative: true, Bound: &Bound{Budget: 10_000, Aim: 20_000, AtLeast: true}, Value: Spread{11234, 11000, 12000}, Note: "overloaded"},
	{Path: "redis", Unit: "ratio", Bound: &Bound{Budget: 1, Aim: 0.7}, Skipped: redisMissing},
}

func TestWriteTable(t *testing.T) {
	var got strings.Builder
	if err := writeTable(&got, sampleRows); err != nil {
		t.Fatal(err)
	}
	const want = `
| path    | budget      | aim      | measured (min-max)  | p50    | p99    | verdict     |
|---------|-------------|----------|---------------------|--------|--------|-------------|
| gateway | <= 0.60     | 0.40     | 0.47 (0.45-0.50)    | 876 us | 4.3 ms | ok          |
| memory  | <= 80.0 MiB | 50.0 MiB | 123 MiB             |        |        | missed      |
| rate    | >= 10000    | 20000    | 11234 (11000-12000) |        |        | informative |
| redis   | <= 1.00     | 0.70     |                     |        |        | skipped     |
`
	if diff := cmp.Diff(want[1:], got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReportWrite(t *testing.T) {
	report := newReport(true)
	report.Sections = []Section{{Rows: sampleRows[:2]}, {Rows: sampleRows[2:]}}
	var got strings.Builder
	if err := report.write(&got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n- rate: overloaded\n", "\n- redis: redis-server not installed\n", "\n\ngo1."} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is missing in\n%s", want, got.String())
		}
	}
}

func TestReportSave(t *testing.T) {
	report := newReport(true)
	report.Sections = []Section{{Name: "requests", Rows: sampleRows, Series: []Series{{Name: "a", Samples: []Sample{{Cost: 1}}}}}}
	file, err := report.save(t.TempDir() + "/not/yet")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Sections []struct {
			Rows []struct {
				Path, Verdict string
				Value         Spread
			}
			Series []Series
		}
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	row := back.Sections[0].Rows[0]
	if row.Path != "gateway" || row.Verdict != verdictOK || row.Value.Median != 0.471 || back.Sections[0].Series[0].Samples[0].Cost != 1 {
		t.Errorf("saved %s", text)
	}
}

func TestJudge(t *testing.T) {
	report := newReport(true)
	report.Sections = []Section{{Rows: sampleRows}} // one is missed
	for _, enforce := range []bool{false, true} {
		command := runCommand{Enforce: enforce}
		if err := command.judge(report); (err != nil) != enforce {
			t.Errorf("enforce %t: %v", enforce, err)
		}
	}
}
