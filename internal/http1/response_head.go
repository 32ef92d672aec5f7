package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// writeHead decides about the framing and writes the head, and what of the body was
// held back. next is the piece of the body that comes now, if there is one.
func (w *response) writeHead(next []byte) {
	if w.headed {
		return
	}
	w.headed = true
	told := w.header["Connection"]
	closes := len(told) > 0 && strings.EqualFold(told[0], "close")
	w.last = w.last || closes || w.c.server.closing.Load()
	w.last = !w.c.body.drop(!w.last) || w.last
	w.chunked = w.length < 0 && w.mayHaveBody() && !w.isHead()
	if w.mayHaveBody() {
		w.tellType(next)
	} else if w.status == http.StatusNotModified {
		delete(w.header, "Content-Type")
	}
	if w.last {
		w.header["Connection"] = closing
	}
	w.out.wire = appendStatus(w.out.wire, w.status)
	w.appendFields()
	if _, told := w.header["Date"]; !told {
		w.out.wire = appendField(w.out.wire, "Date", time.Now().UTC().Format(http.TimeFormat))
	}
	switch {
	case w.chunked:
		w.out.wire = append(w.out.wire, "Transfer-Encoding: chunked\r\n"...)
	case w.length >= 0 && w.mayHaveBody():
		w.out.wire = append(w.out.wire, "Content-Length: "...)
		w.out.wire = strconv.AppendInt(w.out.wire, w.length, 10)
		w.out.wire = append(w.out.wire, "\r\n"...)
	}
	w.out.wire = append(w.out.wire, "\r\n"...)
	if len(w.out.unsent) > 0 {
		w.writeBody(w.out.unsent)
	}
}

var closing = []string{"close"}

// tellType fills in a Content-Type that the handler has not told.
func (w *response) tellType(next []byte) {
	if _, told := w.header["Content-Type"]; told || w.header["Content-Encoding"] != nil {
		return
	}
	const most = 512 // that DetectContentType looks at
	if unsent := w.out.unsent; len(unsent) > 0 {
		next = append(unsent[:len(unsent):len(unsent)], next[:min(most, len(next))]...)
	}
	if len(next) > 0 {
		w.header["Content-Type"] = []string{http.DetectContentType(next)}
	}
}

func appendStatus(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = append(b, "status code "...)
		b = strconv.AppendInt(b, int64(status), 10)
	}
	return append(b, "\r\n"...)
}

// appendFields appends the handler's fields in the order of their names.
func (w *response) appendFields() {
	var space [32]string
	names := space[:0]
	for name := range w.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !httpsyntax.ValidName(name), name == "Transfer-Encoding", name == "Trailer":
			continue // what is not for a handler to say
		case name == "Content-Length":
			continue // as it was when the status was told: see writeHead
		}
		for _, value := range w.header[name] {
			w.out.wire = appendField(w.out.wire, name, value)
		}
	}
}

// appendField appends a field. A line break in its value becomes a space: nothing
// that is put into a value can end the head.
func appendField(b []byte, name, value string) []byte {
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 {
		value = oneLine.Replace(value)
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, httpsyntax.Trim(value)...)
	return append(b, "\r\n"...)
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
