package registrar

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Key is an API key as the registrar shows it.
type Key struct {
	ID        string          `json:"id"`
	Source    Source          `json:"source"`
	Name      string          `json:"name"`
	Tenant    string          `json:"tenant"`
	User      string          `json:"user"`
	State     registry.State  `json:"state"`
	Roles     []identity.Role `json:"roles"`
	ActAs     bool            `json:"act_as"`
	Models    names           `json:"models"`
	Endpoints names           `json:"endpoints"`
	CreatedAt *time.Time      `json:"created_at"`
	ExpiresAt *time.Time      `json:"expires_at"`
	RevokedAt *time.Time      `json:"revoked_at"`
	UsedAt    *time.Time      `json:"used_at"`  // told once a minute; of a key of the file: null
	Secrets   []Secret        `json:"secrets"`  // the newest first; of a key of the file: none
	Revision  int64           `json:"revision"` // of its last change
	// Secret is the new secret, in the first answer to the request that made it.
	Secret string `json:"secret,omitzero"`
}

// names are those of models or of endpoints; nil, which is null, is all.
type names []string

// MarshalJSONTo implements json.MarshalerTo.
func (n names) MarshalJSONTo(e *jsontext.Encoder) error {
	if len(n) == 0 {
		return e.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(e, []string(n))
}

// Secret says when a secret of a key was made and until when it is good.
type Secret struct {
	CreatedAt *time.Time `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"` // null: with its key
}

// Source says where a key is kept.
type Source string

// The sources.
const (
	InDatabase Source = "database"
	InFile     Source = "file" // of the configuration: it is changed there
)

// filePrefix begins the ids of the keys of the file, whose names follow it.
const filePrefix = "file:"

// NewKey returns k as it is shown at now: without what follows from its secrets.
func NewKey(k *registry.Key, now time.Time) Key {
	shown := Key{
		ID: k.ID, Source: InDatabase, Name: k.Name, Tenant: identity.TenantOutside(k.Tenant),
		User: k.User, State: k.StateAt(now),
		Roles: k.Roles, ActAs: k.ActAs, Models: k.Models, Endpoints: k.Endpoints,
		CreatedAt: timeOrNull(k.Created), ExpiresAt: timeOrNull(k.Expires),
		RevokedAt: timeOrNull(k.Revoked), UsedAt: timeOrNull(k.Used),
		Secrets: make([]Secret, len(k.Secrets)), Revision: k.Revision,
	}
	for i, s := range k.Secrets {
		shown.Secrets[i] = Secret{timeOrNull(s.Created), timeOrNull(s.Expires)}
	}
	return shown
}

// newFileKey returns a key of the file as it is shown.
func newFileKey(k *registry.Key) Key {
	return Key{
		ID: filePrefix + k.Name, Source: InFile, Name: k.Name,
		Tenant: identity.TenantOutside(k.Tenant), User: k.User,
		State: registry.Active, Roles: k.Roles, ActAs: k.ActAs,
		Models: k.Models, Endpoints: k.Endpoints, Secrets: []Secret{},
	}
}

// timeOrNull returns a time as JSON has it: nil, and so null, for none, and the last year that
// there is for one beyond, which somebody must have written to the database.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	if t = t.UTC(); t.Year() > registry.LastYear {
		t = time.Date(registry.LastYear, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return &t
}

// fileKey returns the key of the file with that id, if the sender of the request may know of it.
func (h *Handler) fileKey(c *call, id string) (*registry.Key, bool) {
	name, inFile := strings.CutPrefix(id, filePrefix)
	if !inFile {
		return nil, false
	}
	keys := h.FileKeys()
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i], c.knowsKey(&keys[i])
		}
	}
	return nil, false
}
