package registrar

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// call is a request, and who sends it.
type call struct {
	*http.Request
	rule  gate.Rule // who may
	by    identity.Principal
	query url.Values
	// The rest is of requests that change something.
	change registry.Write // who asks, on which conditions, and whether it is done at all
	// matches tells that If-Match is sent, and existing that what is not there is not made.
	matches, existing bool
}

// dryRun is the parameter of what is only to be tried.
const dryRun = "dry_run"

// readQuery reads the parameters, which must be those of the operation, each once: one that is
// mistyped might be the one that keeps a change from being made.
func (c *call) readQuery(o operation) (err error) {
	if c.query, err = url.ParseQuery(c.URL.RawQuery); err != nil {
		return problem("invalid_request",
			"the query cannot be read: escape its values")
	}
	for name, values := range c.query {
		switch {
		case !slices.Contains(o.query, name) && (name != dryRun || o.effect == looks):
			return misused(name, "is not known here")
		case len(values) > 1:
			return misused(name, "comes twice")
		case !utf8.ValidString(values[0]):
			return misused(name, "is no text in UTF-8")
		}
	}
	if o.effect == looks {
		return nil
	}
	switch c.query.Get(dryRun) {
	case "true":
		c.change.DryRun = true
	case "false":
	default:
		if c.query.Has(dryRun) {
			return misused(dryRun, "must be true or false")
		}
	}
	return nil
}

// number returns a parameter that is a whole number from least to most, or the number that
// stands for none.
func (c *call) number(name string, least, most, none int64) (int64, error) {
	if !c.query.Has(name) {
		return none, nil
	}
	n, err := strconv.ParseInt(c.query.Get(name), 10, 64)
	if err != nil || n < least || n > most {
		return 0, misused(name, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n, nil
}

// tenant returns the parameter of that name, as people know it; "" where it is left out.
func (c *call) tenant() (string, error) {
	name := c.query.Get("tenant")
	t := registry.Tenant{Name: identity.TenantInside(name)}
	if c.query.Has("tenant") && (name == "" || t.Check() != nil) {
		return "", misused("tenant", "is no name of a tenant")
	}
	return name, nil
}

// within returns which tenant a question is about, by the name that people know it by, where its
// sender asks for one, or with "" for all, and sees what he has the permission for; it reports
// whether that is anything.
func (c *call) within(asked string, p identity.Permission) (tenant string, some bool) {
	own := identity.TenantOutside(c.by.Tenant)
	switch {
	case c.by.May(p):
		return asked, true
	case asked == "" || asked == own:
		return own, true
	}
	return "", false
}

// misused returns a problem with a parameter of the query.
func misused(name, detail string) *reply.Problem {
	if len(name) > wordBytesMax || !utf8.ValidString(name) {
		return problem("invalid_request", "a query parameter %s", detail)
	}
	p := problem("invalid_request",
		"the query parameter %q %s", name, detail)
	p.Faults = []reply.Fault{{Parameter: name, Detail: detail}}
	return p
}

// misheaded returns a problem with a field of the header.
func misheaded(code, name, detail string) *reply.Problem {
	p := problem(code, "the header field %s %s", name, detail)
	p.Faults = []reply.Fault{{Header: name, Detail: detail}}
	return p
}

// reasonHeader is the field that says why something is changed, for the audit.
const reasonHeader = "X-Reason"

// prepareWrite reads what the header says of a change.
func (h *Handler) prepareWrite(c *call, o operation) error {
	if h.Store == nil && o.effect == keeps {
		return problem("no_database", "there is no control database, so that "+
			"keys are those of the configuration: set database.url to PostgreSQL's, or "+
			"server.data-directory to a folder for SQLite")
	}
	c.change.Act = registry.Act{
		Actor: c.by.Actor(), Credential: c.by.Credential,
		Address:   gate.ClientAddress(c.Request, h.Gate.TrustedProxies),
		RequestID: c.Header.Get(reply.IDHeader), Reason: c.Header.Get(reasonHeader),
	}
	err := c.change.Act.Check()
	if field, ok := errors.AsType[*registry.FieldError](err); ok && field.Field == "reason" {
		return misheaded("invalid_request", reasonHeader, field.Problem)
	}
	if err != nil {
		return err
	}
	c.matches = len(c.Header.Values("If-Match")) > 0
	c.change.Expected, err = expected(c.Header)
	return err
}
