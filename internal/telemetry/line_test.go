package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// TestLineIsSlogs: whatever a record holds, its line is the one that slog writes.
func TestLineIsSlogs(t *testing.T) {
	at := time.Date(2026, 11, 26, 9, 5, 7, 120_000_000, time.FixedZone("KST", 9*3600))
	type attrs = []slog.Attr
	for name, tt := range map[string]struct {
		message string
		attrs   attrs
		plain   bool
	}{
		"no field":      {"ended", nil, true},
		"request":       {"request", requestAttrs(), true},
		"negative":      {"m", attrs{slog.Int64("n", math.MinInt64), slog.Int("i", -1), slog.Bool("b", false)}, true},
		"zero":          {"m", attrs{slog.Float64("f", 0)}, true},
		"fractions":     {"m", attrs{slog.Float64("f", 0.1), slog.Float64("f", 1e-6), slog.Float64("f", 999999999999999)}, true},
		"twice":         {"m", attrs{slog.String("a", "1"), slog.String("a", "2")}, true},
		"small float":   {"m", attrs{slog.Float64("f", 9e-7)}, false},
		"large float":   {"m", attrs{slog.Float64("f", 1e21)}, false},
		"no number":     {"m", attrs{slog.Float64("f", math.NaN())}, false},
		"quote":         {"m", attrs{slog.String("a", `x"y`)}, false},
		"backslash":     {"m", attrs{slog.String("a", `x\y`)}, false},
		"line end":      {"m", attrs{slog.String("a", "x\ny")}, false},
		"Korean":        {"m", attrs{slog.String("a", "사용자")}, false},
		"not UTF-8":     {"m", attrs{slog.String("a", "\xff")}, false},
		"delete":        {"m", attrs{slog.String("a", "\x7f")}, false},
		"message":       {"a\tb", nil, false},
		"key":           {"m", attrs{slog.String("a\n", "x")}, false},
		"empty key":     {"m", attrs{slog.String("", "x")}, false},
		"no value":      {"m", attrs{{}}, false},
		"error":         {"m", attrs{slog.Any("error", errors.New("why"))}, false},
		"group":         {"m", attrs{slog.Group("g", slog.Int("n", 1))}, false},
		"time":          {"m", attrs{slog.Time("t", at)}, false},
		"duration":      {"m", attrs{slog.Duration("d", time.Second)}, false},
		"unsigned":      {"m", attrs{slog.Uint64("u", math.MaxUint64)}, false},
		"last is plain": {"m", attrs{slog.Any("e", nil), slog.Int("n", 1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := slog.NewRecord(at, slog.LevelWarn+1, tt.message, 0)
			r.AddAttrs(tt.attrs...)
			var want, got bytes.Buffer
			_ = slog.NewJSONHandler(&want, nil).Handle(t.Context(), r)
			Emit(t.Context(), NewLogger(&got, LogOptions{}), at, slog.LevelWarn+1, tt.message, tt.attrs)
			if got.String() != want.String() {
				t.Errorf("the line is  %s, want %s", &got, &want)
			}
			if _, plain := appendLine(nil, at, slog.LevelWarn+1, tt.message, tt.attrs); plain != tt.plain {
				t.Errorf("plain: %v, want %v", plain, tt.plain)
			}
		})
	}
}

// TestLineOfADerivedLogger: what a logger carries along is in its lines.
func TestLineOfADerivedLogger(t *testing.T) {
	var want, got bytes.Buffer
	o := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	slog.New(slog.NewJSONHandler(&want, o)).With("a", 1).WithGroup("g").Info("m", "b", 2)
	Emit(t.Context(), NewLogger(&got, LogOptions{}).With("a", 1).WithGroup("g"), time.Now(), slog.LevelInfo, "m", []slog.Attr{slog.Int("b", 2)})
	if _, after, _ := bytes.Cut(got.Bytes(), []byte(`","level"`)); `{"level"`+string(after) != want.String() {
		t.Errorf("the line is %s, want %s", &got, &want)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("request", "id", "a1", int64(3), 1.25)
	f.Add("request", "duration_ms", "of a user with a long name", int64(-1), 1234.567)
	f.Fuzz(func(t *testing.T, message, key, value string, n int64, x float64) {
		at := time.Unix(1, n%1e9)
		fields := []slog.Attr{slog.String(key, value), slog.Int64("n", n), slog.Float64("x", x), slog.Float64("ms", float64(n)/1000)}
		r := slog.NewRecord(at, slog.LevelInfo, message, 0)
		r.AddAttrs(fields...)
		var want, got bytes.Buffer
		_ = slog.NewJSONHandler(&want, nil).Handle(context.Background(), r)
		Emit(context.Background(), NewLogger(&got, LogOptions{}), at, slog.LevelInfo, message, fields)
		if got.String() != want.String() {
			t.Errorf("the line is  %s, want %s", &got, &want)
		}
	})
}

// TestFloatIsStrconvs: the short way to print milliseconds ends where the long one does.
func TestFloatIsStrconvs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	floats := []float64{0, 0.001, 0.0005, 0.0015, 1, 10, 1e11, 1e11 - 0.001, 1e15, 99999999999.9995, math.Inf(1), math.NaN(), -1.5}
	for range 100_000 {
		f := float64(r.Int64N(1<<r.IntN(50)+1)) / 1000
		floats = append(floats, f, math.Nextafter(f, 0), math.Nextafter(f, 1e15), math.Float64frombits(r.Uint64()))
	}
	for _, f := range floats {
		if got, want := string(appendFloat(nil, f)), strconv.FormatFloat(f, 'f', -1, 64); got != want {
			t.Errorf("%g is printed as %s, want %s", f, got, want)
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

func requestAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("id", "7QK3V5EXAMPLE"), slog.String("endpoint", "/v1/chat/completions"), slog.String(UserKey, "alice"),
		slog.String(ClientKey, "192.0.2.1"), slog.Int("status", 200), slog.Float64("duration_ms", 1234.567),
		slog.String("model", "llama2-7b"), slog.Int64("input", 18), slog.Int64("output", 4),
		slog.Float64("upstream_ms", 1234.001), slog.String("server", "127.0.0.1:8000"),
	}
}

func BenchmarkLine(b *testing.B) {
	for name, log := range map[string]*slog.Logger{
		"own": NewLogger(io.Discard, LogOptions{}), "slog": slog.New(slog.NewJSONHandler(io.Discard, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Emit(context.Background(), log, time.Now(), slog.LevelInfo, "request", requestAttrs())
			}
		})
	}
}
