package telemetry

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// lineHandler is a [slog.JSONHandler] whose lines a Line writes itself, byte for byte
// the same and at a fifth of the cost: the line of a request was the dearest thing
// that a gateway does for itself.
type lineHandler struct {
	*slog.JSONHandler
	w io.Writer // safe for concurrent use
}

// Line is a line of the log that is being made, of a level that is enabled. It is
// for the line that every request has; there is no place in the source in it. Begin
// it with BeginLine, add its fields, and End it. Their keys and the message are
// constants of printable ASCII that needs no escape; values may be anything.
type Line struct {
	json []byte // for the handler, where that is a lineHandler

	// For another one, which writes it in its own way.
	at      time.Time
	level   slog.Level
	message string
	fields  []slog.Attr

	log *slog.Logger
	own *lineHandler // nil: another one
}

// keptLineBytes is how large a line may have been whose memory is used again.
const keptLineBytes = 16 << 10

var lines = sync.Pool{New: func() any { return &Line{json: make([]byte, 0, 1<<10)} }}

// BeginLine begins a line of the time at.
func BeginLine(log *slog.Logger, at time.Time, level slog.Level, message string) *Line {
	l := lines.Get().(*Line)
	l.log = log
	l.own, _ = log.Handler().(*lineHandler)
	if l.own == nil {
		l.at, l.level, l.message = at, level, message
		return l
	}
	b := append(l.json, `{"`+slog.TimeKey+`":"`...)
	b = at.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","`+slog.LevelKey+`":"`...)
	b = append(b, level.String()...)
	b = append(b, `","`+slog.MessageKey+`":"`...)
	b = append(b, message...)
	l.json = append(b, '"')
	return l
}

// End writes the line, which must not be used after. There is nobody to tell of an
// error.
func (l *Line) End(ctx context.Context) {
	if l.own != nil {
		l.json = append(l.json, '}', '\n')
		_, _ = l.own.w.Write(l.json)
	} else {
		r := slog.NewRecord(l.at, l.level, l.message, 0)
		r.AddAttrs(l.fields...)
		_ = l.log.Handler().Handle(ctx, r)
	}
	if cap(l.json) > keptLineBytes {
		return
	}
	clear(l.fields)
	*l = Line{json: l.json[:0], fields: l.fields[:0]}
	lines.Put(l)
}

// String adds a text.
func (l *Line) String(key, value string) {
	switch {
	case l.own == nil:
		l.fields = append(l.fields, slog.String(key, value))
	case isPlain(value):
		l.key(key)
		l.json = append(l.json, '"')
		l.json = append(l.json, value...)
		l.json = append(l.json, '"')
	default:
		l.json = appendBySlog(l.json, slog.String(key, value))
	}
}

// Int adds a number.
func (l *Line) Int(key string, n int64) {
	if l.own == nil {
		l.fields = append(l.fields, slog.Int64(key, n))
		return
	}
	l.key(key)
	l.json = strconv.AppendInt(l.json, n, 10)
}

// True adds a truth value that is true.
func (l *Line) True(key string) {
	if l.own == nil {
		l.fields = append(l.fields, slog.Bool(key, true))
		return
	}
	l.key(key)
	l.json = append(l.json, "true"...)
}

// Milliseconds adds a duration with a precision of microseconds, as a number of
// milliseconds.
func (l *Line) Milliseconds(key string, d time.Duration) {
	if l.own == nil {
		l.fields = append(l.fields, slog.Float64(key, milliseconds(d)))
		return
	}
	l.key(key)
	l.json = appendMilliseconds(l.json, d)
}

func (l *Line) key(key string) {
	l.json = append(l.json, ',', '"')
	l.json = append(l.json, key...)
	l.json = append(l.json, '"', ':')
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// appendMilliseconds appends the shortest decimal number that is milliseconds(d).
// That is the one with three decimals, without zeros at its end, for no two numbers
// of fifteen digits or fewer are the same float.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	n := d.Microseconds()
	if n < 0 || n >= 1e15 {
		return strconv.AppendFloat(b, milliseconds(d), 'f', -1, 64)
	}
	b = strconv.AppendInt(b, n/1000, 10)
	if rest := n % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

// appendBySlog appends a field as slog writes it behind others.
func appendBySlog(b []byte, field slog.Attr) []byte {
	const before, after = `{"` + slog.LevelKey + `":"INFO","` + slog.MessageKey + `":""`, "}\n"
	var line bytes.Buffer
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.AddAttrs(field)
	_ = slog.NewJSONHandler(&line, nil).Handle(context.Background(), r) // a buffer has no errors
	return append(b, line.Bytes()[len(before):line.Len()-len(after)]...)
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
