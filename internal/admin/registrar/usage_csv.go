package registrar

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

const (
	mediaCSV = "text/csv"
	// csvPage is how many rows are held at once where they are not sorted.
	csvPage = 500
)

// csvHead is the first line: the names of the columns.
const csvHead = "tenant,user,model,running,meter,window,limit,used,reserved,remaining,resets_at\r\n"

// exportUsage writes all rows as CSV (RFC 4180), a line for each meter and window. Where a page
// cannot be read, the connection is broken off, so that nobody takes what has come for all.
func (h *Handler) exportUsage(c *call, q *usageQuery) (*answer, error) {
	if q.by == nil && q.user == nil {
		q.limit = csvPage
	}
	rows, next, err := h.usageRows(c.Context(), q)
	if err != nil {
		<-h.asks
		return nil, err
	}
	return &answer{stream: func(w http.ResponseWriter) error {
		defer func() { <-h.asks }()
		w.Header()["Content-Type"] = []string{mediaCSV + "; charset=utf-8; header=present"}
		w.Header()["Content-Disposition"] = []string{`attachment; filename="usage.csv"`}
		w.WriteHeader(http.StatusOK)
		if c.Method == http.MethodHead {
			return nil
		}
		control := http.NewResponseController(w)
		defer control.SetWriteDeadline(time.Time{}) //nolint:errcheck // as below
		text := []byte(csvHead)
		for {
			for i := range rows {
				text = appendCSV(text, &rows[i])
			}
			_ = control.SetWriteDeadline(time.Now().Add(exportPatience)) // where it has one
			if _, err := w.Write(text); err != nil {
				panic(http.ErrAbortHandler)
			}
			if next == "" {
				return nil
			}
			if q.after, err = parseMark(next, q.sorted); err == nil {
				rows, next, err = h.usageRows(c.Context(), q)
			}
			if err != nil {
				h.Log.Warn("an export of usage is broken off",
					"id", c.Header.Get(reply.IDHeader), "error", err)
				panic(http.ErrAbortHandler)
			}
			text = text[:0]
		}
	}}, nil
}

// appendCSV appends the lines of a row.
func appendCSV(b []byte, u *Usage) []byte {
	for i := range u.Windows {
		m := &u.Windows[i]
		for _, text := range []string{u.Tenant, u.User, u.Model} {
			b = append(append(b, cell(text)...), ',')
		}
		b = append(strconv.AppendInt(b, u.Running, 10), ',')
		b = append(append(b, m.Meter+","+m.Window+","...), orNothing(m.Limit)...)
		b = strconv.AppendInt(append(b, ','), m.Used, 10)
		b = strconv.AppendInt(append(b, ','), m.Reserved, 10)
		b = append(append(b, ','), orNothing(m.Remaining)...)
		b = m.ResetsAt.AppendFormat(append(b, ','), time.RFC3339)
		b = append(b, "\r\n"...)
	}
	return b
}

// cell returns a text that is not the gateway's own as CSV has it: in quotes, and with a quote
// before what a spreadsheet would take for a formula (OWASP, CSV injection).
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		text = "'" + text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// orNothing returns a number; nothing where there is none.
func orNothing(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
