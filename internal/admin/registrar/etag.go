package registrar

import (
	"net/http"
	"strconv"
	"strings"
)

// etag returns the entity tag of something by the revision of its last change.
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// expected returns the revision that If-Match wants (RFC 9110, section 13.1.1); 0: it wants
// none, or is "*", which whatever there is fulfils. Only one tag can be right, and it is strong,
// so that lists and weak tags are refused rather than read as one that is stale.
func expected(h http.Header) (int64, error) {
	tags := h.Values("If-Match")
	if len(tags) == 0 || len(tags) == 1 && strings.TrimSpace(tags[0]) == "*" {
		return 0, nil
	}
	digits := strings.TrimSpace(tags[0])
	inner, opened := strings.CutPrefix(digits, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseInt(inner, 10, 64)
	if len(tags) > 1 || !opened || !closed || err != nil || n <= 0 || etag(n) != digits {
		return 0, misheaded("invalid_request", "If-Match",
			`must be one ETag as it was told, such as "17", or *`)
	}
	return n, nil
}
