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

// field is what a Line can be given, and the same for slog.
type field struct {
	attr slog.Attr
	add  func(*Line)
}

func text(key, value string) field {
	return field{slog.String(key, value), func(l *Line) { l.String(key, value) }}
}

func number(key string, n int64) field {
	return field{slog.Int64(key, n), func(l *Line) { l.Int(key, n) }}
}

func truth(key string) field {
	return field{slog.Bool(key, true), func(l *Line) { l.True(key) }}
}

func duration(key string, d time.Duration) field {
	return field{slog.Float64(key, float64(d.Microseconds())/1000), func(l *Line) { l.Milliseconds(key, d) }}
}

// lineOf returns the line of a logger with these fields.
func lineOf(log func(io.Writer) *slog.Logger, at time.Time, message string, fields []field) string {
	var b bytes.Buffer
	l := BeginLine(log(&b), at, slog.LevelWarn+1, message)
	for _, f := range fields {
		f.add(l)
	}
	l.End(context.Background())
	return b.String()
}

// recordOf returns the line that slog itself writes.
func recordOf(log func(io.Writer) *slog.Logger, at time.Time, message string, fields []field) string {
	var b bytes.Buffer
	r := slog.NewRecord(at, slog.LevelWarn+1, message, 0)
	for _, f := range fields {
		r.AddAttrs(f.attr)
	}
	_ = log(&b).Handler().Handle(context.Background(), r)
	return b.String()
}

func slogs(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }
func ours(w io.Writer) *slog.Logger  { return NewLogger(w, LogOptions{}) }

// TestLineIsSlogs: whatever a line holds, it is the one that slog writes.
func TestLineIsSlogs(t *testing.T) {
	at := time.Date(2026, 11, 26, 9, 5, 7, 120_000_000, time.FixedZone("KST", 9*3600))
	for name, fields := range map[string][]field{
		"no field":   nil,
		"request":    requestFields(),
		"numbers":    {number("n", math.MinInt64), number("i", -1), number("m", math.MaxInt64), truth("b")},
		"durations":  {duration("d", 0), duration("d", 1500), duration("d", time.Hour), duration("d", -1500*time.Microsecond), duration("d", math.MaxInt64)},
		"twice":      {text("a", "1"), text("a", "2")},
		"empty":      {text("a", ""), text("b", "")},
		"HTML":       {text("a", "<a href='x'>&</a>")},
		"quote":      {text("a", `x"y`), text("b", "z")},
		"backslash":  {text("a", `x\y`)},
		"line end":   {text("a", "x\ny"), number("n", 1)},
		"separators": {text("a", "\u2028\u2029")},
		"Korean":     {text("a", "사용자"), text("b", "z")},
		"not UTF-8":  {text("a", "\xff")},
		"delete":     {text("a", "\x7f"), truth("b")},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(recordOf(slogs, at, name, fields), lineOf(ours, at, name, fields)); diff != "" {
				t.Errorf("-slog's +ours:\n%s", diff)
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
			want := recordOf(log, at, "request", requestFields())
			for range 2 { // the second is made of the first one's parts
				if diff := cmp.Diff(want, lineOf(log, at, "request", requestFields())); diff != "" {
					t.Errorf("-slog's +ours:\n%s", diff)
				}
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	f.Add("id", "a1", int64(3))
	f.Add("of a user with a long name", "Ünicode and \"quotes\"", int64(-1234567))
	f.Fuzz(func(t *testing.T, value, other string, n int64) {
		at := time.Unix(1, n%1e9)
		fields := []field{text("a", value), number("n", n), duration("d", time.Duration(n)), text("b", other), duration("us", time.Duration(n)*time.Microsecond)}
		if diff := cmp.Diff(recordOf(slogs, at, "request", fields), lineOf(ours, at, "request", fields)); diff != "" {
			t.Errorf("-slog's +ours:\n%s", diff)
		}
	})
}

// TestMillisecondsAreStrconvs: the short way to print milliseconds ends where the long
// one does.
func TestMillisecondsAreStrconvs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	durations := []time.Duration{0, 1, 999, 1000, 1e6, 1e7, 999_999_999_999_999_000, 1e18, math.MaxInt64, -1, -1000, math.MinInt64}
	for range 200_000 {
		durations = append(durations, time.Duration(r.Int64N(1<<r.IntN(63)+1)))
	}
	for _, d := range durations {
		if got, want := string(appendMilliseconds(nil, d)), strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64); got != want {
			t.Errorf("%d ns are printed as %s, want %s", d, got, want)
		}
	}
}

// TestPlainByEight: every byte at every place is seen, whatever stands beside it.
func TestPlainByEight(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				for _, beside := range []byte{' ', '!', '~', 'a'} {
					s := bytes.Repeat([]byte{beside}, length)
					s[at] = byte(c)
					if got, want := isPlain(string(s)), plainBytes[c]; got != want {
						t.Fatalf("%q: %v, want %v", s, got, want)
					}
				}
			}
		}
	}
}

func requestFields() []field {
	return []field{
		text("id", "7QK3V5EXAMPLE"), text("endpoint", "/v1/chat/completions"), text(UserKey, "alice"),
		text(ClientKey, "192.0.2.1"), number("status", 200), duration("duration_ms", 1234567*time.Microsecond),
		text("model", "llama2-7b"), number("input", 18), number("output", 4),
		duration("upstream_ms", 1234001*time.Microsecond), text("server", "127.0.0.1:8000"),
	}
}

func BenchmarkLine(b *testing.B) {
	fields := requestFields()
	for name, log := range map[string]*slog.Logger{"own": ours(io.Discard), "slog": slogs(io.Discard)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := BeginLine(log, time.Now(), slog.LevelInfo, "request")
				for i := range fields {
					fields[i].add(l)
				}
				l.End(context.Background())
			}
		})
	}
}
