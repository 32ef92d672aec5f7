package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// lineHandler writes records as [slog.JSONHandler] does, at less than half its
// cost: the line of a request is the dearest thing that a gateway does for itself. It
// leaves out where in the source a record was made. It is safe for concurrent use.
type lineHandler struct {
	level   slog.Leveler
	replace func(groups []string, a slog.Attr) slog.Attr // nil: nothing is replaced

	mu *sync.Mutex // of w
	w  io.Writer

	fields []byte   // of WithAttrs, rendered
	groups []string // of WithGroup, all
	opened int      // how many of them have been opened in fields
}

func newLineHandler(w io.Writer, o *slog.HandlerOptions) *lineHandler {
	h := &lineHandler{level: slog.LevelInfo, replace: o.ReplaceAttr, mu: new(sync.Mutex), w: w}
	if o.Level != nil {
		h.level = o.Level
	}
	return h
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	l := line{h: h, b: slices.Clip(h.fields), opened: h.opened}
	for _, a := range attrs {
		l.attr(h.groups, a)
	}
	with := *h
	with.fields, with.opened = l.b, l.opened
	return &with
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.groups = append(slices.Clip(h.groups), name)
	return &with
}

var lines = sync.Pool{New: func() any {
	b := make([]byte, 0, 1<<10)
	return &b
}}

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	buffer := lines.Get().(*[]byte)
	defer lines.Put(buffer)
	l := line{h: h, b: append((*buffer)[:0], '{'), opened: h.opened}
	if !r.Time.IsZero() {
		l.builtIn(slog.Time(slog.TimeKey, r.Time.Round(0)))
	}
	l.builtIn(slog.Any(slog.LevelKey, r.Level))
	l.builtIn(slog.String(slog.MessageKey, r.Message))
	if len(h.fields) > 0 {
		l.comma()
		l.b = append(l.b, h.fields...)
	}
	r.Attrs(func(a slog.Attr) bool {
		l.attr(h.groups, a)
		return true
	})
	for range l.opened + 1 {
		l.b = append(l.b, '}')
	}
	*buffer = append(l.b, '\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(*buffer)
	return err
}

// line is a JSON object that is being written.
type line struct {
	h      *lineHandler
	b      []byte
	opened int // of the handler's groups
}

// comma separates what comes from what is there.
func (l *line) comma() {
	if n := len(l.b); n > 0 && l.b[n-1] != '{' {
		l.b = append(l.b, ',')
	}
}

// builtIn adds what every record has, outside of all groups.
func (l *line) builtIn(a slog.Attr) {
	if l.h.replace != nil {
		a = l.h.replace(nil, a)
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	l.comma()
	l.member(a.Key, a.Value.Resolve())
}

// attr adds a member, and opens before it those of the handler's groups that are
// not open yet. What is empty leaves nothing.
func (l *line) attr(groups []string, a slog.Attr) {
	a.Value = a.Value.Resolve()
	if l.h.replace != nil && a.Value.Kind() != slog.KindGroup {
		a = l.h.replace(groups, a)
		a.Value = a.Value.Resolve()
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	if a.Value.Kind() == slog.KindGroup {
		l.group(groups, a)
		return
	}
	l.open()
	l.comma()
	l.member(a.Key, a.Value)
}

// open opens the groups of the handler that are not open yet.
func (l *line) open() {
	for _, name := range l.h.groups[l.opened:] {
		l.comma()
		l.b = append(appendString(l.b, name), ":{"...)
	}
	l.opened = len(l.h.groups)
}

// group adds the members of a group, in an object of their own if it has a name.
func (l *line) group(groups []string, a slog.Attr) {
	if len(a.Value.Group()) == 0 {
		return
	}
	if a.Key == "" {
		for _, member := range a.Value.Group() {
			l.attr(groups, member)
		}
		return
	}
	l.open()
	before := len(l.b)
	l.comma()
	l.b = append(appendString(l.b, a.Key), ":{"...)
	inside := len(l.b)
	for _, member := range a.Value.Group() {
		l.attr(append(slices.Clip(groups), a.Key), member)
	}
	if len(l.b) == inside {
		l.b = l.b[:before]
		return
	}
	l.b = append(l.b, '}')
}

func (l *line) member(key string, v slog.Value) {
	l.b = append(appendString(l.b, key), ':')
	switch v.Kind() {
	case slog.KindString:
		l.b = appendString(l.b, v.String())
	case slog.KindInt64:
		l.b = strconv.AppendInt(l.b, v.Int64(), 10)
	case slog.KindUint64:
		l.b = strconv.AppendUint(l.b, v.Uint64(), 10)
	case slog.KindBool:
		l.b = strconv.AppendBool(l.b, v.Bool())
	case slog.KindDuration:
		l.b = strconv.AppendInt(l.b, int64(v.Duration()), 10)
	case slog.KindFloat64:
		l.b = appendFloat(l.b, v.Float64())
	case slog.KindTime:
		l.b = append(v.Time().AppendFormat(append(l.b, '"'), time.RFC3339Nano), '"')
	default:
		l.b = appendAny(l.b, v.Any())
	}
}

// appendFloat appends a number; of what JSON has none for, its name.
func appendFloat(b []byte, f float64) []byte {
	if a := max(f, -f); !(a < 1e15) || a != 0 && a < 1e-6 {
		return appendAny(b, f)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// appendAny appends what has no kind of its own.
func appendAny(b []byte, v any) []byte {
	if level, ok := v.(slog.Level); ok {
		return appendString(b, level.String())
	}
	if err, ok := v.(error); ok {
		if _, marshals := v.(json.Marshaler); !marshals {
			return appendString(b, err.Error())
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return appendString(b, "!ERROR:"+err.Error())
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // where what has not been appended begins
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = appendEscape(append(b, s[plain:i]...), c)
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' { // the last two end lines in JavaScript
			b = append(b, s[plain:i]...)
			b = append(b, `\u`...)
			b = append(b, strconv.FormatInt(int64(r), 16)...)
			plain = i + size
		}
		i += size
	}
	return append(append(b, s[plain:]...), '"')
}

// appendEscape appends an ASCII character that cannot stand in a string.
func appendEscape(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xf])
}
