package telemetry

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// jsonHandler is a [slog.JSONHandler] for which WriteLine prints plain values itself, byte for byte
// the same. The line of a request would cost a quarter of a chat otherwise.
type jsonHandler struct {
	*slog.JSONHandler
	w io.Writer // safe for concurrent use
}

var lines = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// WriteLine writes r with fields as h.Handle would. It is for the line that every request has. r
// has a time, a level that is enabled, and no fields of its own. Its message and the keys of fields
// are constants of which JSON escapes nothing. There is nobody to tell of an error.
func WriteLine(ctx context.Context, h slog.Handler, r slog.Record, fields []slog.Attr) {
	line := lines.Get().(*[]byte)
	defer lines.Put(line)
	if own, ok := h.(*jsonHandler); ok {
		if *line, ok = appendLine((*line)[:0], &r, fields); ok {
			_, _ = own.w.Write(*line)
			return
		}
	}
	r.AddAttrs(fields...)
	_ = h.Handle(ctx, r)
}

// appendLine appends a line of plain values. It reports whether all of them are.
func appendLine(b []byte, r *slog.Record, fields []slog.Attr) (_ []byte, plain bool) {
	b = append(b, `{"`+slog.TimeKey+`":"`...)
	b = r.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","`+slog.LevelKey+`":"`...)
	b = append(b, r.Level.String()...)
	b = append(b, `","`+slog.MessageKey+`":"`...)
	b = append(b, r.Message...)
	b = append(b, '"')
	for i := range fields {
		b = append(b, ',', '"')
		b = append(b, fields[i].Key...)
		b = append(b, '"', ':')
		if b, plain = appendPlain(b, fields[i].Value); !plain {
			return b, false
		}
	}
	return append(b, '}', '\n'), true
}

// appendPlain appends a value that is a number, a truth value, a duration or a text of which JSON
// escapes nothing. It reports whether v is.
func appendPlain(b []byte, v slog.Value) (_ []byte, plain bool) {
	switch v.Kind() {
	case slog.KindString:
		s := v.String()
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"'), isPlain(s)
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindDuration:
		d := v.Duration()
		return appendMilliseconds(b, d), 0 <= d && d < exactMax
	}
	return b, false
}

// isPlain reports whether s is ASCII of which JSON escapes nothing.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return true
}

// plainBytes is what isPlain says of each byte.
var plainBytes = func() (plain [256]bool) {
	for c := ' '; c <= '~'; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// exactMax bounds a duration whose microseconds have at most fifteen digits, which a float keeps.
const exactMax time.Duration = 1e18

// appendMilliseconds appends the shortest decimal number that is milliseconds(d), for d from 0 to
// exactMax.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	b = strconv.AppendInt(b, us/1000, 10)
	if rest := us % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
		b = bytes.TrimRight(b, "0")
	}
	return b
}

// milliseconds is how the log shows a duration: a number with a precision of microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
