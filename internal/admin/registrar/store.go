package registrar

import (
	"context"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Store is what the registrar asks of a control database: a part of [registry.Store].
type Store interface {
	Create(ctx context.Context, k registry.Key, w registry.Write) (registry.Key, error)
	Update(
		ctx context.Context, id string, w registry.Write, action string,
		change func(*registry.Key, time.Time) error,
	) (registry.Key, error)
	Note(ctx context.Context, n registry.Note, w registry.Write) (int64, error)
	Key(ctx context.Context, id string) (registry.Key, error)
	KeyOf(ctx context.Context, h registry.Hash) (registry.Key, error)
	Keys(ctx context.Context, q registry.Query) (registry.Page, error)
	Tenants() registry.Objects[registry.Tenant]
	Users() registry.Objects[registry.User]
	Roles() registry.Objects[registry.Role]
	Revision(ctx context.Context) (registry.Revision, error)
	Audit(ctx context.Context, q registry.AuditQuery) ([]registry.Record, error)
	Expenses(ctx context.Context, q registry.ExpenseQuery) (registry.ExpensePage, error)
	registry.Replicas
}
