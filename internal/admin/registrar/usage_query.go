package registrar

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// usageQuery is what is asked for of usage.
type usageQuery struct {
	asker   *identity.Principal
	models  []*limit.Policy // in the order of their names
	tenant  string          // as people know it; "": all
	user    *holder         // nil: all
	key     string          // whose user is asked for; "": no key is named
	keyUser string
	by      order // nil: as the store has them
	sorted  string
	falling bool
	limit   int // 0: no bound
	after   mark
	csv     bool
}

// order returns what rows are sorted by.
type order func(*Usage) int64

// mark is the place in a list behind which more begins. The zero value is its beginning.
type mark struct {
	Sort  string `json:"s,omitzero"` // how the list is sorted
	Value int64  `json:"v,omitzero"` // what the last row is sorted by
	Model string `json:"m"`
	User  []byte `json:"u"`          // the account's name
	Begun bool   `json:"b,omitzero"` // the page was begun, and goes on behind the user
	Page  string `json:"p,omitzero"` // of the store, where it is as the store has it
}

// text returns m as clients get it; "" of the zero mark.
func (m mark) text() string {
	if m.Model == "" {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "" // texts and numbers can be encoded
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseMark reads what text has written.
func parseMark(text, sorted string) (m mark, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &m, json.RejectUnknownMembers(true))
	}
	if err != nil || m.Sort != sorted {
		return m, misused("after", "must be the value of next in the list before, "+
			"which was sorted in the same way")
	}
	return m, nil
}

// usageQuery reads what a request asks for.
func (h *Handler) usageQuery(c *call) (q *usageQuery, err error) {
	q = &usageQuery{asker: &c.by}
	if q.csv, err = c.wantsTable(); err != nil {
		return nil, err
	}
	if err = q.readSort(c); err != nil {
		return nil, err
	}
	usual := int64(limitUsual)
	if q.csv {
		usual = 0
	}
	n, err := c.number("limit", 1, limitMax, usual)
	if err != nil {
		return nil, err
	}
	if q.limit = int(n); q.csv && (c.query.Has("limit") || c.query.Has("after")) {
		return nil, misused("format", "of csv has all rows: leave limit and after out")
	}
	if c.query.Has("after") {
		if q.after, err = parseMark(c.query.Get("after"), q.sorted); err != nil {
			return nil, err
		}
	}
	if q.models, err = h.modelsOf(c); err != nil {
		return nil, err
	}
	return q, h.readUser(c, q)
}

// modelsOf returns the models that a request asks for and its sender may see, in the order of
// their names.
func (h *Handler) modelsOf(c *call) (models []*limit.Policy, err error) {
	asked := (*identity.Reach)(nil)
	if c.query.Has("model") {
		if asked, err = identity.NewReach([]string{c.query.Get("model")}, nil); err != nil {
			return nil, misused("model", "must be the name of a model; * stands for any text")
		}
	}
	for _, p := range h.Policies() {
		if c.by.Reach.AllowsModel(p.Model()) && asked.AllowsModel(p.Model()) {
			models = append(models, p)
		}
	}
	slices.SortFunc(models, func(a, b *limit.Policy) int {
		return cmp.Compare(a.Model(), b.Model())
	})
	return models, nil
}

// readUser reads of whom the usage is wanted: of a user, or of that of a key.
func (h *Handler) readUser(c *call, q *usageQuery) (err error) {
	user, tenant := c.query.Get("user"), c.by.Tenant
	if q.tenant, err = c.tenant(); err != nil {
		return err
	}
	if q.tenant != "" {
		tenant = identity.TenantInside(q.tenant)
	}
	switch id := c.query.Get("key"); {
	case c.query.Has("user") && c.query.Has("key"):
		return misused("key", "and user cannot both be given: a key is one user's")
	case c.query.Has("user"):
		if identity.CheckUser(user) != nil {
			return misused("user", "is no name of a user")
		}
		of := holderNamed(tenant, user)
		q.user = &of
	case c.query.Has("key"):
		k, err := h.keyFor(c, id)
		if err != nil {
			return err
		}
		of := holderNamed(k.Tenant, k.User)
		q.key, q.keyUser, q.user = id, k.User, &of
	}
	return nil
}

// keyFor returns the key with that id, of the file or of the database, for whoever may see keys.
func (h *Handler) keyFor(c *call, id string) (*registry.Key, error) {
	if !c.by.MayIn(identity.KeysRead, c.by.Tenant) {
		return nil, problem("permission_denied", "to ask by a key needs the permission %s "+
			"beside %s: ask by its user", identity.KeysRead, identity.UsageRead)
	}
	if k, inFile := h.fileKey(c, id); inFile {
		return k, nil
	}
	if h.Store == nil || !registry.IsID(id) {
		return nil, registry.ErrNotFound
	}
	k, err := h.Store.Key(c.Context(), id)
	if err == nil && !c.knowsKey(&k) {
		err = registry.ErrNotFound
	}
	return &k, err
}

// readSort reads by what rows are sorted.
func (q *usageQuery) readSort(c *call) error {
	q.sorted = c.query.Get("sort")
	q.falling = true
	switch direction := c.query.Get("order"); {
	case c.query.Has("order") && !c.query.Has("sort"):
		return misused("order", "needs sort beside it")
	case direction == "asc":
		q.falling = false
	case c.query.Has("order") && direction != "desc":
		return misused("order", "must be asc or desc")
	}
	if !c.query.Has("sort") {
		return nil
	}
	if q.sorted == "running" {
		q.by = func(u *Usage) int64 { return u.Running }
		return nil
	}
	for _, m := range limit.Meters {
		for _, w := range limit.Windows {
			meter, window := m.String(), w.String()
			if q.sorted == strings.ReplaceAll(meter, "_", "-")+"-per-"+window {
				q.by = func(u *Usage) int64 { return u.counts(meter, window) }
				return nil
			}
		}
	}
	return misused("sort", "must be running, or a meter and a window, such as tokens-per-day")
}

// counts returns what counts of a meter in a window; 0 where that is not counted.
func (u *Usage) counts(meter, window string) int64 {
	for i := range u.Windows {
		if w := &u.Windows[i]; w.Meter == meter && w.Window == window {
			return w.Used + w.Reserved
		}
	}
	return 0
}
