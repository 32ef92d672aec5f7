package telemetry

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lineOf returns the line of a logger with these fields.
func lineOf(log func(io.Writer) *slog.Logger, at time.Time, message string, fields []slog.Attr) string {
	var b bytes.Buffer
	WriteLine(context.Background(), log(&b).Handler(), slog.NewRecord(at, slog.LevelWarn+1, message, 0), fields)
	return b.String()
}

// recordOf returns the line that slog itself writes.
func recordOf(log func(io.Writer) *slog.Logger, at time.Time, message string, fields []slog.Attr) string {
	var b bytes.Buffer
	r := slog.NewRecord(at, slog.LevelWarn+1, message, 0)
	for _, f := range fields {
		if f.Value.Kind() == slog.KindDuration {
			f = slog.Float64(f.Key, float64(f.Value.Duration().Microseconds())/1000)
		}
		r.AddAttrs(f)
	}
	_ = log(&b).Handler().Handle(context.Background(), r)
	return b.String()
}

func slogs(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }
func ours(w io.Writer) *slog.Logger  { return NewLogger(w, LogOptions{}) }

// TestLineIsSlogs: whatever a line holds, it is the one that slog writes.
func TestLineIsSlogs(t *testing.T) {
	at := time.Date(2026, 11, 26, 9, 5, 7, 120_000_000, time.FixedZone("KST", 9*3600))
	text, number := slog.String, slog.Int64
	for name, fields := range map[string][]slog.Attr{
		"no field": nil,
		"request":  requestFields(),
		"numbers":  {number("n", math.MinInt64), number("i", -1), number("m", math.MaxInt64), slog.Bool("b", true), slog.Bool("c", false)},
		"durations": {
			slog.Duration("d", 0), slog.Duration("d", 1500), slog.Duration("d", time.Hour), slog.Duration("d", math.MaxInt64),
		},
		"negative":   {slog.Duration("d", -1500*time.Microsecond)},
		"others":     {slog.Float64("f", 1e-9), slog.Any("l", []string{"a"}), slog.Time("t", at), slog.Uint64("u", 1)},
		"twice":      {text("a", "1"), text("a", "2")},
		"empty":      {text("a", ""), text("b", "")},
		"HTML":       {text("a", "<a href='x'>&</a>")},
		"quote":      {text("a", `x"y`), text("b", "z")},
		"backslash":  {text("a", `x\y`)},
		"line end":   {text("a", "x\ny"), number("n", 1)},
		"separators": {text("a", "\u2028\u2029")},
		"Korean":     {text("a", "사용자"), text("b", "z")},
		"not UTF-8":  {text("a", "\xff")},
		"delete":     {text("a", "\x7f"), slog.Bool("b", true)},
	} {
		t.Run(name, func(t *testing.T) {
			want := recordOf(slogs, at, name, fields)
			for range 2 { // the second is made of the first one's memory
				if diff := cmp.Diff(want, lineOf(ours, at, name, fields)); diff != "" {
					t.Errorf("-slog's +ours:\n%s", diff)
				}
			}
		})
	}
}

// TestLineOfOtherLoggers: what others do with their lines is done with this one.
func TestLineOfOtherLoggers(t *testing.T) {
	at := time.Date(2026, 11, 26, 9, 5, 7, 120_000_000, time.UTC)
	for name, log := range map[string]func(io.Writer) *slog.Logger{
		"text":    func(w io.Writer) *slog.Logger { return NewLogger(w, LogOptions{Text: true}) },
		"hashed":  func(w io.Writer) *slog.Logger { return NewLogger(w, LogOptions{HashUsers: true}) },
		"derived": func(w io.Writer) *slog.Logger { return ours(w).With("a", 1).WithGroup("g") },
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(recordOf(log, at, "request", requestFields()), lineOf(log, at, "request", requestFields())); diff != "" {
				t.Errorf("-slog's +ours:\n%s", diff)
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	f.Add("id", "a1", int64(3))
	f.Add("of a user with a long name", "Ünicode and \"quotes\"", int64(-1234567))
	f.Fuzz(func(t *testing.T, value, other string, n int64) {
		at := time.Unix(1, n%1e9)
		fields := []slog.Attr{
			slog.String("a", value), slog.Int64("n", n), slog.Duration("d", time.Duration(n)), slog.String("b", other),
			slog.Duration("us", time.Duration(n)*time.Microsecond),
		}
		if diff := cmp.Diff(recordOf(slogs, at, "request", fields), lineOf(ours, at, "request", fields)); diff != "" {
			t.Errorf("-slog's +ours:\n%s", diff)
		}
	})
}

// TestMillisecondsAreStrconvs: the short way to print milliseconds ends where the long
// one does.
func TestMillisecondsAreStrconvs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	durations := []time.Duration{0, 1, 999, 1000, 1e6, 1e7, 999_999_999_999_999_000}
	for range 200_000 {
		durations = append(durations, time.Duration(r.Int64N(1<<r.IntN(60)+1)))
	}
	for _, d := range durations {
		if got, want := string(appendMilliseconds(nil, d)), strconv.FormatFloat(milliseconds(d), 'f', -1, 64); got != want {
			t.Errorf("%d ns are printed as %s, want %s", d, got, want)
		}
	}
}

func requestFields() []slog.Attr {
	return []slog.Attr{
		slog.String("id", "7QK3V5EXAMPLE"), slog.String("endpoint", "/v1/chat/completions"), slog.String(UserKey, "alice"),
		slog.String(ClientKey, "192.0.2.1"), slog.Int64("status", 200), slog.Duration("duration_ms", 1234567*time.Microsecond),
		slog.String("model", "llama2-7b"), slog.Int64("input", 18), slog.Int64("output", 4),
		slog.Duration("upstream_ms", 1234001*time.Microsecond), slog.String("server", "127.0.0.1:8000"),
	}
}

func BenchmarkLine(b *testing.B) {
	fields := requestFields()
	for name, log := range map[string]*slog.Logger{"own": ours(io.Discard), "slog": slogs(io.Discard)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				WriteLine(context.Background(), log.Handler(), slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0), fields)
			}
		})
	}
}
