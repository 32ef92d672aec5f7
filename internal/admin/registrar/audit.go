package registrar

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// listAudit lists records of the audit, from the oldest or from the newest one.
func (h *Handler) listAudit(c *call) (*answer, error) {
	limit, err := c.number("limit", 1, limitMax, limitUsual)
	if err != nil {
		return nil, err
	}
	q, err := c.auditQuery()
	if err != nil {
		return nil, err
	}
	if h.Store == nil {
		return newList[registry.Record](nil, ""), nil
	}
	q.Limit = int(limit) + 1 // one more tells whether there are more
	data, err := h.Store.Audit(c.Context(), q)
	if err != nil {
		return nil, err
	}
	if len(data) <= int(limit) {
		return newList(data, ""), nil
	}
	data = data[:limit]
	return newList(data, strconv.FormatInt(data[limit-1].Revision, 10)), nil
}

// auditQuery reads which records are asked for: "after" is where to go on in their order.
func (c *call) auditQuery() (q registry.AuditQuery, err error) {
	q.Actor, q.Object = c.query.Get("actor"), c.query.Get("object")
	for name, text := range map[string]string{"actor": q.Actor, "object": q.Object} {
		if strings.ContainsRune(text, 0) {
			return q, misused(name, "has a character that no name has")
		}
	}
	switch order := c.query.Get("order"); {
	case order == "newest":
		q.Newest = true
		q.Before, err = c.number("after", 1, math.MaxInt64, 0)
	case order == "oldest", !c.query.Has("order"):
		q.After, err = c.number("after", 0, math.MaxInt64, 0)
	default:
		err = misused("order", "must be oldest or newest")
	}
	return q, err
}

const (
	// exportPage is how many records an export holds at once.
	exportPage = 500
	// exportPatience is how long a client may take to read so many.
	exportPatience = 30 * time.Second
	mediaLines     = "application/x-ndjson"
)

// exportAudit writes all records, a line of JSON each, page after page. Where a page cannot be
// read, the connection is broken off, so that nobody takes what has come for everything.
func (h *Handler) exportAudit(c *call) (*answer, error) {
	after, err := c.number("after", 0, math.MaxInt64, 0)
	if err != nil {
		return nil, err
	}
	page, err := h.exported(c, after)
	if err != nil {
		return nil, err
	}
	return &answer{stream: func(w http.ResponseWriter) error {
		w.Header()["Content-Type"] = []string{mediaLines}
		w.WriteHeader(http.StatusOK)
		if c.Method == http.MethodHead {
			return nil
		}
		control := http.NewResponseController(w)
		defer control.SetWriteDeadline(time.Time{}) //nolint:errcheck // as below
		for len(page) > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(exportPatience)) // where it has one
			if err := writeLines(w, page); err != nil {
				panic(http.ErrAbortHandler)
			}
			if page, err = h.exported(c, page[len(page)-1].Revision); err != nil {
				h.Log.Warn("an export of the audit is broken off",
					"id", c.Header.Get(reply.IDHeader), "error", err)
				panic(http.ErrAbortHandler)
			}
		}
		return nil
	}}, nil
}

// exported returns a page of records.
func (h *Handler) exported(c *call, after int64) ([]registry.Record, error) {
	if h.Store == nil {
		return nil, nil
	}
	return h.Store.Audit(c.Context(), registry.AuditQuery{After: after, Limit: exportPage})
}

// writeLines writes records, a line each.
func writeLines(w http.ResponseWriter, page []registry.Record) error {
	var text []byte
	for i := range page {
		line, err := json.Marshal(&page[i])
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
	}
	_, err := w.Write(text)
	return err
}
