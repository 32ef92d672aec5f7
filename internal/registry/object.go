package registry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Kind is what an object of the registry is. The kind of a key has no prefix in ids.
type Kind string

// The kinds.
const (
	KeyKind    Kind = "key"
	TenantKind Kind = "tenant"
	UserKind   Kind = "user"
	RoleKind   Kind = "role"
)

// ObjectID names an object of the registry other than a key.
type ObjectID struct {
	Kind   Kind
	Tenant string // of a user; "": the default one
	Name   string // of a tenant "": the default one
}

// TenantID returns the id of a tenant.
func TenantID(name string) ObjectID { return ObjectID{TenantKind, "", identity.TenantInside(name)} }

// UserID returns the id of a user of a tenant.
func UserID(tenant, name string) ObjectID {
	return ObjectID{UserKind, identity.TenantInside(tenant), name}
}

// RoleID returns the id of a custom role.
func RoleID(role identity.Role) ObjectID { return ObjectID{RoleKind, "", string(role)} }

// escapes lets the first slash of a user's id end the name of its tenant.
var escapes = strings.NewReplacer("%", "%25", "/", "%2F")

// String returns the id as the audit has it: "tenant:acme", "user:acme/alice", "role:reader". A
// percent sign and a slash in the name of a user's tenant are %25 and %2F. No two objects have the
// same one.
func (o ObjectID) String() string {
	switch o.Kind {
	case TenantKind:
		return string(o.Kind) + ":" + identity.TenantOutside(o.Name)
	case UserKind:
		return string(o.Kind) + ":" + escapes.Replace(identity.TenantOutside(o.Tenant)) + "/" +
			o.Name
	}
	return string(o.Kind) + ":" + o.Name
}

// ParseObjectID reads what String has written. It fails for the id of a key.
func ParseObjectID(text string) (ObjectID, error) {
	kind, name, _ := strings.Cut(text, ":")
	switch Kind(kind) {
	case TenantKind:
		return TenantID(name), nil
	case RoleKind:
		return RoleID(identity.Role(name)), nil
	case UserKind:
		if tenant, user, isUser := strings.Cut(name, "/"); isUser {
			tenant, err := url.PathUnescape(tenant)
			return UserID(tenant, user), err
		}
	}
	return ObjectID{}, fmt.Errorf("%q is no id of a tenant, user or role", text)
}

// KindOf returns the kind of the object with an id, as the audit has it.
func KindOf(id string) Kind {
	if o, err := ParseObjectID(id); err == nil {
		return o.Kind
	}
	return KeyKind
}

// Tenant is whose people and keys stand apart from those of others. It need not be there for a key
// or a user to be of it: one that is not is enabled.
type Tenant struct {
	Name        string // "": the default one
	Disabled    bool   // nobody of it may come in
	Description string
	Created     time.Time
	Revision    int64 // the number of its last change; 0: it is not there
}

// User is one whose credentials may be many, of several kinds. It need not be there for a key or a
// JWT to name it: one that is not is enabled.
type User struct {
	Tenant      string // "": the default one
	Name        string
	Disabled    bool // whatever the credential, it may not come in
	Description string
	Created     time.Time
	Revision    int64 // the number of its last change; 0: it is not there
}

// Role is a name for permissions that somebody has made, beside those that there always are.
type Role struct {
	Name identity.Role
	// Permissions are the names of those that the role gives everywhere, and TenantPermissions of
	// those in the tenant of whoever has it.
	Permissions, TenantPermissions []string
	Description                    string
	Created                        time.Time
	Revision                       int64 // the number of its last change; 0: it is not there
}

// ID returns the id of t.
func (t *Tenant) ID() ObjectID { return TenantID(t.Name) }

// ID returns the id of u.
func (u *User) ID() ObjectID { return UserID(u.Tenant, u.Name) }

// ID returns the id of r.
func (r *Role) ID() ObjectID { return RoleID(r.Name) }

// Gives returns what the role gives. A permission that is not known gives nothing, for a later
// version of the gateway may have written it.
func (r *Role) Gives() (s identity.PermissionSet) {
	for _, name := range r.Permissions {
		s |= identity.Everywhere(identity.PermissionNamed(name))
	}
	for _, name := range r.TenantPermissions {
		s |= identity.InTenant(identity.PermissionNamed(name))
	}
	return s
}

// NewRole returns a role that gives that.
func NewRole(name identity.Role, gives identity.PermissionSet) Role {
	r := Role{Name: name}
	for p := range identity.Permissions() {
		switch {
		case gives.Everywhere(p):
			r.Permissions = append(r.Permissions, p.String())
		case gives.InTenant(p):
			r.TenantPermissions = append(r.TenantPermissions, p.String())
		}
	}
	return r
}

// Standing is what there is at the moment of a change of an object, beside the object itself.
type Standing struct {
	// Held is what the keys give that are good, of the user or of all of the tenant; of a role: 0.
	// What JWTs and keys of the configuration give is not known to the store.
	Held identity.PermissionSet
}

// Objects keeps the tenants, the users or the custom roles of a [Store]. It is safe for concurrent
// use. The id that it is asked for names such an object.
type Objects[T any] interface {
	// Get returns one, or ErrNotFound, also for an id that none can have.
	Get(ctx context.Context, id ObjectID) (T, error)
	// Put has change work on one, at the moment of the change, and keeps what becomes of it.
	// Where it is not there, change gets one with the name and the revision 0, and makes it. Where
	// nothing is another than before, that is no change, and has no revision. It fails with
	// ErrConflict, with a *FieldError, and with what change fails with; nothing is changed then.
	Put(ctx context.Context, id ObjectID, w Write, change func(*T, Standing) error) (T, error)
	// Delete has it gone, unless may fails for it. It fails with ErrNotFound, ErrConflict, an
	// *InUseError, and with what may fails with; nothing is changed then.
	Delete(ctx context.Context, id ObjectID, w Write, may func(T, Standing) error) error
	// List returns some in the order of their names. It fails with a *FieldError for a tenant or a
	// name that none can have.
	List(ctx context.Context, q ObjectQuery) (ObjectPage[T], error)
}

// ObjectQuery chooses objects of a kind.
type ObjectQuery struct {
	Tenant   string // whose users; it counts for users alone
	Disabled bool   // only those that are disabled
	After    string // the name after which to begin, as people know it; "": at the first
	Limit    int    // at the most; > 0
}

// ObjectPage is some objects, and the name after which more begin; "": there are none.
type ObjectPage[T any] struct {
	Objects []T
	Next    string
}

// Absent is the revision of an object that is not there, for Write.Expected.
const Absent int64 = -1

// ErrExists is returned for a change that was to make an object, which is there already.
var ErrExists = errors.New("it is there already: change it, or give the new one another name")

// InUseError says what keeps an object from being deleted.
type InUseError struct {
	Object  string // its id
	Keys    int    // how many keys that are not revoked name it
	Users   int    // of a tenant: how many users are of it
	Example string // the id of one of them
}

// Error implements error.
func (e *InUseError) Error() string {
	n, one, several, remedy := e.Users, "user is of", "users are of", "delete"
	if e.Keys > 0 {
		n, one, several = e.Keys, "key that is not revoked names", "keys that are not revoked name"
		remedy = "revoke"
		if KindOf(e.Object) == RoleKind { // the tenant of a key cannot be changed
			remedy = "revoke or change"
		}
	}
	object, example := Redact(e.Object), Redact(e.Example)
	if n == 1 {
		return fmt.Sprintf("1 %s %s: %s %s first", one, object, remedy, example)
	}
	return fmt.Sprintf("%d %s %s, such as %s: %s them first", n, several, object, example, remedy)
}
