package telemetry

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// lineHandler is a [slog.JSONHandler] that Emit can go past: where a line is plain
// it is written here, byte for byte as slog does and at a fifth of the cost. The
// line of a request was the dearest thing that a gateway does for itself. A line is
// plain if its fields are strings of printable ASCII, numbers of an ordinary size
// and booleans; whatever else there is, slog writes.
type lineHandler struct {
	*slog.JSONHandler
	w io.Writer // safe for concurrent use
}

// Emit writes a line of the time at, as log does of a level that is enabled, but
// without the record that slog copies fields to, and without a place in the source.
// The caller asks whether the level is enabled, best before it makes the fields.
func Emit(ctx context.Context, log *slog.Logger, at time.Time, level slog.Level, message string, fields []slog.Attr) {
	h := log.Handler()
	if own, ok := h.(*lineHandler); ok && own.write(at, level, message, fields) {
		return
	}
	r := slog.NewRecord(at, level, message, 0)
	r.AddAttrs(fields...)
	_ = h.Handle(ctx, r) // there is nobody to tell
}

// write writes a line if it is plain, and reports whether it is.
func (h *lineHandler) write(at time.Time, level slog.Level, message string, fields []slog.Attr) (plain bool) {
	buffer := lines.Get().(*[]byte)
	defer lines.Put(buffer)
	line, plain := appendLine((*buffer)[:0], at, level, message, fields)
	*buffer = line
	if plain {
		_, _ = h.w.Write(line) // there is nobody to tell
	}
	return plain
}

var lines = sync.Pool{New: func() any {
	b := make([]byte, 0, 1<<10)
	return &b
}}

// appendLine appends a JSON object and a line end, unless they are not plain.
func appendLine(b []byte, at time.Time, level slog.Level, message string, fields []slog.Attr) (line []byte, plain bool) {
	if at.IsZero() || !isPlain(message) {
		return b, false
	}
	b = append(b, `{"`+slog.TimeKey+`":"`...)
	b = at.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","`+slog.LevelKey+`":"`...)
	b = append(b, level.String()...)
	b = append(b, `","`+slog.MessageKey+`":"`...)
	b = append(b, message...)
	b = append(b, '"')
	for i := range fields {
		if b, plain = appendField(b, &fields[i]); !plain {
			return b, false
		}
	}
	return append(b, '}', '\n'), true
}

func appendField(b []byte, a *slog.Attr) (line []byte, plain bool) {
	if a.Key == "" || !isPlain(a.Key) {
		return b, false
	}
	b = append(b, ',', '"')
	b = append(b, a.Key...)
	b = append(b, '"', ':')
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		s := v.String()
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"'), isPlain(s)
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindFloat64:
		f := v.Float64()
		return appendFloat(b, f), f == 0 || 1e-6 <= f && f < 1e15
	}
	return b, false
}

// appendFloat appends the shortest decimal number that is f. Where that has no more
// than three decimals, as milliseconds have that were counted in microseconds, it
// is that of an integer: of numbers with fifteen digits or fewer no two are the
// same float.
func appendFloat(b []byte, f float64) []byte {
	thousandths := int64(f*1000 + 0.5)
	if !(0 < f && f < 1e11) || float64(thousandths)/1000 != f {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendInt(b, thousandths/1000, 10)
	if rest := thousandths % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

// isPlain reports whether s needs no escape in JSON, and is ASCII.
func isPlain(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if !arePlain(binary.LittleEndian.Uint64([]byte(s[:8]))) {
			return false
		}
	}
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

// arePlain is isPlain for eight bytes at once.
func arePlain(eight uint64) bool {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	quotes, backslashes, deletes := eight^'"'*ones, eight^'\\'*ones, eight^0x7f*ones // zero where they are
	// Where no byte has its high bit, subtracting what none is less than sets none.
	return (eight|(eight-' '*ones)|(quotes-ones)|(backslashes-ones)|(deletes-ones))&high == 0
}
