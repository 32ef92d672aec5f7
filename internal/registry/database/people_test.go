package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// disable has a user disabled, or enabled.
func disable(disabled bool) func(*registry.User, registry.Standing) error {
	return func(u *registry.User, _ registry.Standing) error {
		u.Disabled = disabled
		return nil
	}
}

// roleOf has a role give permissions, everywhere and in the tenant.
func roleOf(everywhere, inTenant string) func(*registry.Role, registry.Standing) error {
	return func(r *registry.Role, _ registry.Standing) error {
		r.Permissions, r.TenantPermissions = strings.Fields(everywhere), strings.Fields(inTenant)
		return nil
	}
}

// tenantOf describes a tenant, which is disabled or not.
func tenantOf(disabled bool) func(*registry.Tenant, registry.Standing) error {
	return func(t *registry.Tenant, _ registry.Standing) error {
		t.Disabled, t.Description = disabled, "those of the roof"
		return nil
	}
}

// look returns what a look fails with.
func look[T any](_ T, err error) error { return err }

func anyway[T any](T, registry.Standing) error { return nil }

// TestPeopleAreKept: what is put is found again as it was, also by whoever opens the database
// later; each change has its record, and what changes nothing has none.
func TestPeopleAreKept(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 123456000, time.UTC)
		d := open(func() time.Time { return now })
		alice, roof, reader := registry.UserID("a/b%", "ali/ce"), registry.TenantID("roof"), registry.RoleID("reader")
		u, err := d.Users().Put(t.Context(), alice, act, disable(true))
		user := registry.User{Tenant: "a/b%", Name: "ali/ce", Disabled: true, Created: now, Revision: 1}
		if err != nil || u != user {
			t.Errorf("%+v, %v", u, err)
		}
		x, err := d.Tenants().Put(t.Context(), roof, act, tenantOf(false))
		tenant := registry.Tenant{Name: "roof", Description: "those of the roof", Created: now, Revision: 2}
		if err != nil || x != tenant {
			t.Errorf("%+v, %v", x, err)
		}
		r, err := d.Roles().Put(t.Context(), reader, act, roleOf("usage:read", "keys:read keys:write"))
		role := registry.Role{Name: "reader", Permissions: []string{"usage:read"}, TenantPermissions: []string{"keys:read", "keys:write"}, Created: now, Revision: 3}
		if err != nil || !cmp.Equal(r, role) {
			t.Errorf("%+v, %v", r, err)
		}
		begun := now
		now = now.Add(time.Hour)
		d = open(func() time.Time { return now })
		if again, err := d.Users().Put(t.Context(), alice, act, disable(true)); err != nil || again != user {
			t.Errorf("what changes nothing: %+v, %v", again, err)
		}
		if r, err := d.Revision(t.Context()); err != nil || r.Number != 3 {
			t.Errorf("what changes nothing is of the revision %d, %v", r.Number, err)
		}
		tenant.Disabled, tenant.Revision = true, 4
		if x, err = d.Tenants().Put(t.Context(), roof, act, tenantOf(true)); err != nil || x != tenant || !x.Created.Equal(begun) {
			t.Errorf("%+v, %v", x, err)
		}
		if got, err := d.Tenants().Get(t.Context(), roof); err != nil || got != tenant {
			t.Errorf("%+v, %v", got, err)
		}
		c, err := d.Changes(t.Context(), registry.Revision{})
		want := registry.Changes{Revision: c.Revision, Whole: true, Tenants: []registry.Tenant{tenant}, Users: []registry.User{user}, Roles: []registry.Role{role}}
		if err != nil || !cmp.Equal(c, want) {
			t.Errorf("%v: %s", err, cmp.Diff(want, c))
		}
		before := c.Revision
		for id, del := range map[registry.ObjectID]func() error{
			alice:  func() error { return d.Users().Delete(t.Context(), alice, act, anyway) },
			roof:   func() error { return d.Tenants().Delete(t.Context(), roof, act, anyway) },
			reader: func() error { return d.Roles().Delete(t.Context(), reader, act, anyway) },
		} {
			if err := del(); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if err := del(); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%s once more: %v", id, err)
			}
		}
		gone := registry.Changes{Tenants: []registry.Tenant{{Name: "roof"}}, Users: []registry.User{{Tenant: "a/b%", Name: "ali/ce"}}, Roles: []registry.Role{{Name: "reader"}}}
		c, err = d.Changes(t.Context(), before)
		if gone.Revision = c.Revision; err != nil || !cmp.Equal(c, gone) {
			t.Errorf("%v: %s", err, cmp.Diff(gone, c))
		}
		var told []string
		records, err := d.Audit(t.Context(), registry.AuditQuery{Object: "user:a%2Fb%25/ali/ce", Limit: 9})
		for _, r := range records {
			told = append(told, r.Action+" "+r.Before+" "+r.After)
		}
		if diff := cmp.Diff([]string{
			`user.create  {"tenant":"a/b%","name":"ali/ce","disabled":true}`,
			`user.delete {"tenant":"a/b%","name":"ali/ce","disabled":true} `,
		}, told); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if _, err := registry.VerifyStore(t.Context(), d); err != nil {
			t.Error(err)
		}
	})
}

// TestPeopleRefused: what a writer has not seen is not changed by it, what is in use is not
// deleted, a dry run keeps nothing, and what is wrong is told by its field.
func TestPeopleRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		ctx := t.Context()
		expects := func(revision int64) registry.Write {
			w := act
			w.Expected = revision
			return w
		}
		dry := act
		dry.DryRun = true
		k, _ := key("alice")
		k.Tenant, k.Roles = "acme", []identity.Role{identity.User, "reader"}
		_, noRole := d.Create(ctx, k, act)
		if noRole == nil || !strings.HasPrefix(noRole.Error(), "roles ") {
			t.Errorf("a key of a role that there is not: %v", noRole)
		}
		must(t, d.Roles(), registry.RoleID("reader"), roleOf("", "keys:read"))
		must(t, d.Tenants(), registry.TenantID("acme"), tenantOf(false))
		must(t, d.Tenants(), registry.TenantID("empty"), tenantOf(false))
		must(t, d.Users(), registry.UserID("empty", "eve"), disable(false))
		k, err := d.Create(ctx, k, act)
		if err != nil {
			t.Fatal(err)
		}
		for name, step := range map[string]struct {
			err  error
			want string
		}{
			"another revision":   {put(ctx, d.Users(), registry.UserID("empty", "eve"), expects(3), disable(true)), registry.ErrConflict.Error()},
			"one that is there":  {put(ctx, d.Users(), registry.UserID("empty", "eve"), expects(registry.Absent), disable(true)), registry.ErrExists.Error()},
			"one that is not":    {put(ctx, d.Users(), registry.UserID("", "bob"), expects(3), disable(true)), registry.ErrConflict.Error()},
			"a dry run":          {put(ctx, d.Users(), registry.UserID("", "bob"), dry, disable(true)), ""},
			"a dry run, to go":   {d.Users().Delete(ctx, registry.UserID("empty", "eve"), dry, anyway), ""},
			"a built-in role":    {put(ctx, d.Roles(), registry.RoleID("admin"), act, roleOf("keys:read", "")), `name "admin" is one of those that there always are`},
			"a role's name":      {put(ctx, d.Roles(), registry.RoleID("a_b"), act, roleOf("keys:read", "")), `name "a_b" is none: a role has a name of at most 64 small letters, digits and hyphens`},
			"no permission":      {put(ctx, d.Roles(), registry.RoleID("r"), act, roleOf("", "")), "permissions has none"},
			"a permission twice": {put(ctx, d.Roles(), registry.RoleID("r"), act, roleOf("", "keys:read keys:read")), `tenant_permissions has "keys:read" twice`},
			"another permission": {put(ctx, d.Roles(), registry.RoleID("r"), act, roleOf("root", "")), `permissions has "root", which is none: there are models:use`},
			"the default tenant": {put(ctx, d.Tenants(), registry.TenantID("default"), act, tenantOf(true)), "disabled must be false"},
			"no name":            {put(ctx, d.Users(), registry.UserID("", ""), act, disable(true)), "name is missing"},
			"a NUL":              {put(ctx, d.Users(), registry.UserID("", "a\x00"), act, disable(true)), "name has the control character"},
			"a NUL, to go":       {d.Users().Delete(ctx, registry.UserID("\x00", "a"), act, anyway), "tenant has the control character"},
			"a NUL, to look at":  {look(d.Users().Get(ctx, registry.UserID("", "\x00"))), registry.ErrNotFound.Error()},
			"a NUL, to list":     {look(d.Users().List(ctx, registry.ObjectQuery{After: "\xff\x00", Limit: 1})), "name is not valid UTF-8"},
			"a control":          {put(ctx, d.Users(), registry.UserID("a\nb", "u"), act, disable(true)), "control character"},
			"a role in use":      {d.Roles().Delete(ctx, registry.RoleID("reader"), act, anyway), "1 key that is not revoked names role:reader: revoke or change " + k.ID + " first"},
			"a tenant in use":    {d.Tenants().Delete(ctx, registry.TenantID("acme"), act, anyway), "1 key that is not revoked names tenant:acme: revoke " + k.ID + " first"},
			"a tenant with users": {d.Tenants().Delete(ctx, registry.TenantID("empty"), act, anyway),
				"1 user is of tenant:empty: delete user:empty/eve first"},
		} {
			if got := fmt.Sprint(step.err); step.want == "" && step.err != nil || step.want != "" && !strings.Contains(got, step.want) || errors.Is(step.err, registry.ErrUnavailable) {
				t.Errorf("%s: %v, want %q", name, step.err, step.want)
			}
		}
		if r, err := d.Revision(ctx); err != nil || r.Number != 5 {
			t.Errorf("after what was refused the revision is %v, %v", r.Number, err)
		}
		if _, err := d.Update(ctx, k.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			d.Roles().Delete(ctx, registry.RoleID("reader"), act, anyway),
			d.Tenants().Delete(ctx, registry.TenantID("acme"), act, anyway),
			d.Users().Delete(ctx, registry.UserID("empty", "eve"), expects(5), anyway),
		} {
			if err != nil && !errors.Is(err, registry.ErrConflict) {
				t.Error(err)
			}
		}
	})
}

// put puts an object and returns what it fails with.
func put[T any](ctx context.Context, o registry.Objects[T], id registry.ObjectID, w registry.Write, change func(*T, registry.Standing) error) error {
	_, err := o.Put(ctx, id, w, change)
	return err
}

// must puts an object.
func must[T any](t *testing.T, o registry.Objects[T], id registry.ObjectID, change func(*T, registry.Standing) error) {
	t.Helper()
	if err := put(t.Context(), o, id, act, change); err != nil {
		t.Fatal(err)
	}
}

// TestStanding: a change is told what the keys of a user, or of a tenant, give at the moment, also
// by custom roles; and a change of a key is asked of whoever makes it, before and after.
func TestStanding(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		must(t, d.Roles(), registry.RoleID("reader"), roleOf("audit:read", ""))
		for i, roles := range [][]identity.Role{{"user"}, {"reader"}, {"viewer"}, {"admin"}, {"tenant-admin"}} {
			k, _ := key("alice")
			k.Roles = roles
			k.Tenant = []string{"", "acme"}[i/4]
			var err error
			if i == 2 {
				k.Expires = time.Now().Add(50 * time.Millisecond)
			}
			if k, err = d.Create(t.Context(), k, act); err == nil && i == 3 {
				_, err = d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(60 * time.Millisecond)
		var held identity.PermissionSet
		refusal := errors.New("no")
		note := func(_ *registry.User, s registry.Standing) error { held = s.Held; return refusal }
		for id, want := range map[registry.ObjectID]identity.PermissionSet{
			registry.UserID("", "alice"):     identity.Everywhere(identity.ModelsUse, identity.AuditRead),
			registry.UserID("acme", "alice"): identity.TenantAdmin.Gives(),
			registry.UserID("acme", "bob"):   0,
		} {
			if err := put(t.Context(), d.Users(), id, act, note); !errors.Is(err, refusal) || held != want {
				t.Errorf("%s holds %v, %v; want %v", id, held.Names(), err, want.Names())
			}
		}
		err := put(t.Context(), d.Tenants(), registry.TenantID("acme"), act, func(_ *registry.Tenant, s registry.Standing) error { held = s.Held; return refusal })
		if !errors.Is(err, refusal) || held != identity.TenantAdmin.Gives() {
			t.Errorf("acme holds %v, %v", held.Names(), err)
		}
		var asked []string
		w := act
		w.May = func(k *registry.Key, c *identity.Census) error {
			gives, known := c.Gives("reader")
			asked = append(asked, fmt.Sprint(k.Name, k.Roles, known, gives.Names()))
			return nil
		}
		k, _ := key("bob")
		if k, err = d.Create(t.Context(), k, w); err == nil {
			_, err = d.Update(t.Context(), k.ID, w, "key.update", func(k *registry.Key, _ time.Time) error {
				k.Roles = []identity.Role{"reader"}
				return nil
			})
		}
		want := []string{"laptop[user] false []", "laptop[user] false []", "laptop[reader] true [audit:read]"}
		if err != nil || !cmp.Equal(asked, want) {
			t.Errorf("%q, %v", asked, err)
		}
		w.May = func(*registry.Key, *identity.Census) error { return refusal }
		if _, err = d.Update(t.Context(), k.ID, w, "key.revoke", (*registry.Key).Revoke); !errors.Is(err, refusal) || errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("who may not give it changes a key: %v", err)
		}
	})
}

// TestPeoplePages: lists have all of a kind and tenant, whatever their length.
func TestPeoplePages(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		for i, name := range []string{"alice", "bob", "carol"} {
			must(t, d.Users(), registry.UserID("acme", name), disable(i == 1))
			must(t, d.Users(), registry.UserID("acme2", name), disable(true))
			must(t, d.Tenants(), registry.TenantID([]string{"acme", "default", "roof"}[i]), tenantOf(false))
		}
		for q, want := range map[registry.ObjectQuery]string{
			{Tenant: "acme"}:                 "alice bob carol",
			{Tenant: "acme", Disabled: true}: "bob",
			{Tenant: "default"}:              "",
			{Tenant: "acme2", After: "bob"}:  "carol",
		} {
			for q.Limit = 1; q.Limit < 5; q.Limit++ {
				q := q
				var got []string
				for {
					p, err := d.Users().List(t.Context(), q)
					if err != nil || len(p.Objects) > q.Limit {
						t.Fatal(p, err)
					}
					for _, u := range p.Objects {
						got = append(got, u.Name)
					}
					if q.After = p.Next; p.Next == "" {
						break
					}
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%+v: %v, want %s", q, got, want)
				}
			}
		}
		p, err := d.Tenants().List(t.Context(), registry.ObjectQuery{Limit: 2})
		if err != nil || len(p.Objects) != 2 || p.Next != "default" || p.Objects[1].Name != "" {
			t.Errorf("%+v, %v", p, err)
		}
		k, _ := key("alice")
		k.Tenant = "acme"
		if _, err := d.Create(t.Context(), k, act); err != nil {
			t.Fatal(err)
		}
		create(t, d, "alice")
		for tenant, want := range map[string]int{"": 2, "acme": 1, "default": 1, "roof": 0} {
			if got := keysOf(t, d, registry.Query{Tenant: tenant, Limit: 9}); len(got) != want {
				t.Errorf("of the tenant %q there are %d keys, want %d", tenant, len(got), want)
			}
		}
	})
}

// TestOldestRises: gateways that know nobody who is disabled, and no tenants, go on until somebody
// is disabled, or a key is of a tenant.
func TestOldestRises(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		for name, change := range map[string]func(*Database) error{
			"disabled": func(d *Database) error {
				return put(t.Context(), d.Users(), registry.UserID("", "eve"), act, disable(true))
			},
			"of a tenant": func(d *Database) error {
				k, _ := key("alice")
				k.Tenant = "acme"
				_, err := d.Create(t.Context(), k, act)
				return err
			},
		} {
			d := open(nil)
			must(t, d.Users(), registry.UserID("", "eve"), disable(false))
			must(t, d.Roles(), registry.RoleID("reader"), roleOf("audit:read", ""))
			oldest := func() (n int) {
				if err := pool(t, d).QueryRowContext(t.Context(), "SELECT MAX(oldest) FROM schema_version").Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			before := oldest()
			err := change(d)
			if after := oldest(); err != nil || before != 1 || after != peopleVersion {
				t.Errorf("%s: %d before and %d after, %v", name, before, after, err)
			}
			if _, err := pool(t, d).ExecContext(t.Context(), "UPDATE schema_version SET oldest = 1"); err != nil {
				t.Fatal(err)
			}
			_ = put(t.Context(), d.Users(), registry.UserID("", "eve"), act, disable(false))
		}
	})
}

// TestAllFollowPeople: four replicas hear of users, tenants and roles, and of what was deleted.
func TestAllFollowPeople(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		writer := open(nil)
		var all []*registry.Follower
		for range 4 {
			all = append(all, follow(t, open(nil), slog.New(slog.DiscardHandler)))
		}
		everywhere := func(what string, holds func(*identity.Census) bool) {
			t.Helper()
			for begun, i := time.Now(), 0; i < len(all); {
				switch {
				case holds(all[i].Keys.Census()):
					i++
				case time.Since(begun) > 20*time.Second:
					t.Fatalf("the replica %d does not hear that %s", i, what)
				default:
					time.Sleep(time.Millisecond)
				}
			}
		}
		refuses := func(tenant string, want identity.Refused) func(*identity.Census) bool {
			return func(c *identity.Census) bool { return c.Refuses(tenant, "eve") == want }
		}
		gives := func(want identity.PermissionSet) func(*identity.Census) bool {
			return func(c *identity.Census) bool {
				p := identity.Principal{Roles: []identity.Role{"reader"}}
				c.Resolve(&p)
				return p.Permissions == want
			}
		}
		must(t, writer.Users(), registry.UserID("", "eve"), disable(true))
		everywhere("eve is disabled", refuses("", identity.UserDisabled))
		everywhere("eve of acme is another", refuses("acme", 0))
		must(t, writer.Tenants(), registry.TenantID("acme"), tenantOf(true))
		everywhere("acme is disabled", refuses("acme", identity.TenantDisabled))
		must(t, writer.Roles(), registry.RoleID("reader"), roleOf("usage:read", ""))
		everywhere("there is a role", gives(identity.Everywhere(identity.UsageRead)))
		must(t, writer.Roles(), registry.RoleID("reader"), roleOf("", "keys:read"))
		everywhere("the role gives less", gives(identity.InTenant(identity.KeysRead)))
		known, err := all[0].Known(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		later := registry.NewFollower(writer, slog.New(slog.DiscardHandler))
		later.Resume(known)
		if c := later.Keys.Census(); c.Refuses("", "eve") != identity.UserDisabled || c.Refuses("acme", "x") != identity.TenantDisabled || !gives(identity.InTenant(identity.KeysRead))(c) {
			t.Errorf("a gateway that starts with what was known lets in who is disabled: %+v", known)
		}
		for _, err := range []error{
			writer.Users().Delete(t.Context(), registry.UserID("", "eve"), act, anyway),
			writer.Tenants().Delete(t.Context(), registry.TenantID("acme"), act, anyway),
			writer.Roles().Delete(t.Context(), registry.RoleID("reader"), act, anyway),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		everywhere("eve is gone", refuses("", 0))
		everywhere("acme is gone", refuses("acme", 0))
		everywhere("the role is gone", gives(0))
	})
}
