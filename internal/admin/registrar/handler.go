package registrar

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Base is the path below which the registrar serves.
const Base = reply.ProblemBase

// Options of a Handler. Gate, FileKeys, Accounts, Policies and Log are required, and with
// a Store Follow and Applied.
type Options struct {
	Gate *gate.Gate
	Log  *slog.Logger
	// Store is the control database; nil: there is none, and what writes is refused.
	Store Store
	// FileKeys returns the keys of the configuration, in the order of their names. They have
	// no id, no secret and no time.
	FileKeys func() []registry.Key
	// Follow has this replica apply what has changed. It is called after each change, and logs why
	// it fails.
	Follow func(context.Context) error
	// Applied returns the revision that this replica has applied.
	Applied func() int64
	Replica string // the id of this replica
	// Accounts has what was used, and Policies returns those of the models that are served.
	Accounts limit.Store
	Policies func() []*limit.Policy
	Now      func() time.Time // the clock; nil: the system's
}

// Handler serves the registry. It is safe for concurrent use.
type Handler struct {
	Options
	running running
	asks    chan struct{} // has an element for each request that reads accounts of many users
	// sums has one while expenses are added up, which takes the control database's time: one
	// after the other, so that changes find their turn between them.
	sums chan struct{}
}

// asksMax bounds how many requests read the accounts of many users at the same time.
const asksMax = 4

// New returns a handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handler{Options: o, asks: make(chan struct{}, asksMax), sums: make(chan struct{}, 1)}
}

// effect is what an operation does beside answering.
type effect uint8

// The effects. What has one takes dry_run and a reason.
const (
	looks effect = iota // none
	keeps               // it changes what the control database keeps, and needs one
	acts                // it changes something else, of which the database keeps a record
)

// operation is what a method of a path does, and who may ask for it.
type operation struct {
	rule   gate.Rule
	effect effect
	query  []string // the parameters that it takes beside dry_run
	serve  func(*Handler, *call) (*answer, error)
}

// The rules of the routes.
var (
	readKeys   = gate.NeedsInTenant(identity.KeysRead)
	writeKeys  = gate.NeedsInTenant(identity.KeysWrite)
	readUsers  = gate.NeedsInTenant(identity.UsersRead)
	writeUsers = gate.NeedsInTenant(identity.UsersWrite)
	writeRoles = gate.NeedsEverywhere(identity.RolesWrite)
	readAudit  = gate.NeedsEverywhere(identity.AuditRead)
	readUsage  = gate.NeedsInTenant(identity.UsageRead)
	writeUsage = gate.NeedsInTenant(identity.UsageWrite)
	freeUsage  = gate.NeedsEverywhere(identity.UsageWrite) // slots are of no tenant
)

// routes are the paths below Base, with their operations by methods.
var routes = map[string]map[string]operation{
	"/keys": {
		http.MethodGet: {readKeys, looks, []string{"user", "tenant", "state", "limit", "after"},
			(*Handler).listKeys},
		http.MethodPost: {writeKeys, keeps, nil, (*Handler).createKey},
	},
	"/keys/{id}": {
		http.MethodGet:    {readKeys, looks, nil, (*Handler).showKey},
		http.MethodPatch:  {writeKeys, keeps, nil, (*Handler).patchKey},
		http.MethodDelete: {writeKeys, keeps, nil, (*Handler).revokeKey},
	},
	"/keys/{id}/rotate": {
		http.MethodPost: {writeKeys, keeps, nil, (*Handler).rotateKey},
	},
	"/keys/identify": {
		http.MethodPost: {readKeys, looks, nil, (*Handler).identifyKey},
	},
	"/tenants": {
		http.MethodGet: {readUsers, looks, inList, (*Handler).listTenants},
	},
	"/tenants/{tenant}": tenants.operations(readUsers, writeUsers, nil),
	"/tenants/{tenant}/users": {
		http.MethodGet: {readUsers, looks, inList, (*Handler).listUsers},
	},
	"/tenants/{tenant}/users/{user}": users.operations(readUsers, writeUsers, nil),
	"/roles": {
		http.MethodGet: {readKeys, looks, []string{"limit", "after"}, (*Handler).listRoles},
	},
	"/roles/{role}": roles.operations(readKeys, writeRoles, (*Handler).showRole),
	"/audit": {
		http.MethodGet: {readAudit, looks,
			[]string{"actor", "object", "order", "limit", "after"}, (*Handler).listAudit},
	},
	"/audit/export": {
		http.MethodGet: {readAudit, looks, []string{"after"}, (*Handler).exportAudit},
	},
	"/usage/keys": {
		http.MethodGet: {readUsage, looks, expenseParameters, (*Handler).listExpenses},
	},
	"/usage": {
		http.MethodGet: {readUsage, looks, []string{
			"model", "tenant", "user", "key", "sort", "order", "limit", "after", "format",
		}, (*Handler).showUsage},
	},
	"/slots": {
		http.MethodGet: {readUsage, looks, []string{"model"}, (*Handler).showSlots},
	},
	"/slots/{replica}": {
		http.MethodDelete: {freeUsage, acts, []string{"model"}, (*Handler).freeSlots},
	},
	"/accounts/reset": {
		http.MethodPost: {writeUsage, acts, nil, (*Handler).resetAccount},
	},
	"/revision": {
		http.MethodGet: {readKeys, looks, []string{"at_least", "wait"}, (*Handler).showRevision},
	},
}

// inList are the parameters of lists of tenants and users.
var inList = []string{"disabled", "limit", "after"}

// Register adds the routes to mux.
func (h *Handler) Register(mux gate.Routes) {
	for path, operations := range routes {
		rules := gate.Rules{}
		for method, o := range operations {
			rules[method] = o.rule
		}
		mux.Handle(Base+path, rules, h.serve(operations))
	}
}

// serve returns what serves a path with its operations.
func (h *Handler) serve(operations map[string]operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := h.answer(w, r, operations)
		if err == nil {
			err = a.write(w)
		}
		if err == nil || isOver(r.Context(), err) {
			return
		}
		p := problemOf(err)
		if p.Status >= http.StatusInternalServerError {
			h.Log.Warn("a request of the control plane has failed",
				"id", r.Header.Get(reply.IDHeader), "route", r.Method+" "+r.Pattern,
				"status", p.Status, "error", err)
		}
		p.Write(w)
	})
}

// answer finds out who asks for what, and has it done.
func (h *Handler) answer(
	w http.ResponseWriter, r *http.Request, operations map[string]operation,
) (*answer, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	o, known := operations[method]
	if !known {
		allowed := methods(operations)
		w.Header()["Allow"] = []string{allowed}
		return nil, failure.Method(r.Method, allowed)
	}
	by, refused := h.Gate.Principal(r, o.rule)
	if refused != nil {
		return nil, refused
	}
	c := &call{Request: r, rule: o.rule, by: by}
	if err := c.readQuery(o); err != nil {
		return nil, err
	}
	if o.effect != looks {
		if err := h.prepareWrite(c, o); err != nil {
			return nil, err
		}
	}
	return o.serve(h, c)
}

// methods returns the methods of operations, as the field Allow lists them.
func methods(operations map[string]operation) string {
	var list []string
	for m := range operations {
		list = append(list, m)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
