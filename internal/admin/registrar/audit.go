package registrar

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
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
	mediaLines = "application/x-ndjson"
)

// exportAudit writes all records, a line of JSON each.
func (h *Handler) exportAudit(c *call) (*answer, error) {
	after, err := c.number("after", 0, math.MaxInt64, 0)
	if err != nil {
		return nil, err
	}
	return h.stream(c, mediaLines, func() ([]byte, error) {
		page, err := h.exported(c, after)
		if err != nil || len(page) == 0 {
			return nil, err
		}
		after = page[len(page)-1].Revision
		return lines(page)
	})
}

// exported returns a page of records.
func (h *Handler) exported(c *call, after int64) ([]registry.Record, error) {
	if h.Store == nil {
		return nil, nil
	}
	return h.Store.Audit(c.Context(), registry.AuditQuery{After: after, Limit: exportPage})
}

// lines returns records as they are exported, a line each.
func lines(page []registry.Record) (text []byte, err error) {
	for i := range page {
		line, err := json.Marshal(&page[i])
		if err != nil {
			return nil, err
		}
		text = append(append(text, line...), '\n')
	}
	return text, nil
}
