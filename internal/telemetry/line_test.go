package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The rules for handlers, as the standard library states them.
func TestLineHandlerKeepsTheRules(t *testing.T) {
	var b bytes.Buffer
	err := slogtest.TestHandler(newLineHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}), func() []map[string]any {
		var all []map[string]any
		for text := range bytes.Lines(b.Bytes()) {
			var record map[string]any
			if err := json.Unmarshal(text, &record); err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			all = append(all, record)
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

// Lines are, byte for byte, those of slog.JSONHandler.
func TestLinesAreThoseOfJSONHandler(t *testing.T) {
	at := time.Date(2026, 8, 1, 12, 30, 45, 123456789, time.FixedZone("", 9*3600))
	values := []any{
		"", "plain", `q"b\s/`, "\x00\x1f\x7f\b\f\n\r\t", "한국어 \U0001F600 \u2028\u2029", "bad \xff\xc3(", "<&>",
		0, -1, int64(math.MaxInt64), uint64(math.MaxUint64), true, false, 1.5, -0.25, 0.0, 12.345, 1e21, 1e-7, 123456789012345678.0, 1e15, 1e-6,
		math.Inf(1), math.NaN(), time.Second, at, at.UTC(), errors.New(`e"r`), nil, []string{"a", "<"}, map[string]int{"k": 1}, slog.LevelWarn,
		func() {}, json.RawMessage(`{"a":1}`), slog.GroupValue(), slog.GroupValue(slog.Int("in", 1), slog.Any("deep", slog.GroupValue(slog.Int("x", 2)))),
	}
	hashed := func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case a.Key == "key" && a.Value.Kind() == slog.KindString:
			a.Value = slog.StringValue(strings.Join(groups, ".") + "!" + a.Value.String())
		case a.Key == "gone":
			return slog.Attr{}
		}
		return a
	}
	for _, replace := range []func([]string, slog.Attr) slog.Attr{nil, hashed} {
		o := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: replace}
		for name, derive := range map[string]func(slog.Handler) slog.Handler{
			"plain": func(h slog.Handler) slog.Handler { return h },
			"attrs": func(h slog.Handler) slog.Handler {
				return h.WithAttrs([]slog.Attr{slog.String("key", "a"), slog.Int("b", 1)})
			},
			"group": func(h slog.Handler) slog.Handler { return h.WithGroup("g").WithGroup("h") },
			"nested": func(h slog.Handler) slog.Handler {
				return h.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 1)}).WithGroup("h")
			},
		} {
			for _, v := range values {
				var got, want bytes.Buffer
				for to, h := range map[*bytes.Buffer]slog.Handler{&got: newLineHandler(&got, o), &want: slog.NewJSONHandler(&want, o)} {
					r := slog.NewRecord(at, slog.LevelInfo, "a <message>", 0)
					r.AddAttrs(slog.Any("key", v), slog.Int("gone", 1), slog.Group("inner", slog.Any("key", v)))
					if err := derive(h).Handle(context.Background(), r); err != nil {
						t.Fatal(to, err)
					}
				}
				if got.String() != want.String() {
					t.Errorf("%s, %T: (-JSONHandler +lineHandler)\n%s", name, v, cmp.Diff(want.String(), got.String()))
				}
			}
		}
	}
}

func FuzzLineString(f *testing.F) {
	f.Add("a", "b\xff\u2028")
	f.Fuzz(func(t *testing.T, key, value string) {
		var got, want bytes.Buffer
		slog.New(newLineHandler(&got, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutTime})).Info(value, key, value)
		slog.New(slog.NewJSONHandler(&want, &slog.HandlerOptions{ReplaceAttr: withoutTime})).Info(value, key, value)
		if got.String() != want.String() {
			t.Errorf("%s\nwant %s", got.String(), want.String())
		}
	})
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func BenchmarkLine(b *testing.B) {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	for name, h := range map[string]slog.Handler{"own": newLineHandler(io.Discard, o), "slog": slog.NewJSONHandler(io.Discard, o)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
			r.AddAttrs(slog.String("id", "K2QJ7ZQ5CAGYX2X5M5QKZQ5CAG"), slog.String("endpoint", "chat.completions"), slog.String("user", "user-17"),
				slog.Int("status", 200), slog.Float64("duration_ms", 1.234), slog.String("model", "llama2-7b"), slog.Int64("input", 24),
				slog.Int64("output", 16), slog.Float64("upstream_ms", 1.2))
			for b.Loop() {
				_ = h.Handle(context.Background(), r)
			}
		})
	}
}
