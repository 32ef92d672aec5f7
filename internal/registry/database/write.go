package database

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	insertKey = "INSERT INTO api_keys (id, name, owner, roles, act_as, models, endpoints, " +
		"created_at, expires_at, revoked_at, tenant) " +
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	updateKey = "UPDATE api_keys SET name = $1, owner = $2, roles = $3, act_as = $4, " +
		"models = $5, endpoints = $6, expires_at = $7, revoked_at = $8, tenant = $9 WHERE id = $10"
	insertSecret = "INSERT INTO key_secrets (hash, key_id, created_at, expires_at) " +
		"VALUES ($1, $2, $3, $4)" // #nosec G101 -- a statement, no credential
	updateSecret = "UPDATE key_secrets SET expires_at = $1 " +
		"WHERE hash = $2 AND key_id = $3" // #nosec G101 -- a statement, no credential
	deleteSecret = "DELETE FROM key_secrets " +
		"WHERE hash = $1 AND key_id = $2" // #nosec G101 -- a statement, no credential
)

// Create implements registry.Store.
func (d *Database) Create(
	ctx context.Context, k registry.Key, how registry.Write,
) (registry.Key, error) {
	k.Secrets = slices.Clone(k.Secrets)
	err := d.write(ctx, how, func(w *writing) (registry.Record, error) {
		k.ID, k.Created, k.Revoked = registry.NewID(w.now), w.now, time.Time{}
		k.Revision = w.revision
		for i := range k.Secrets {
			k.Secrets[i].Created = w.now
		}
		r := registry.Record{Action: registry.ActionCreate, Object: k.ID, After: describe(&k)}
		if err := w.checkKey(how, &registry.Key{}, &k); err != nil {
			return r, err
		}
		if err := w.keepKey(&k, insertKey, k.ID, k.Name, k.User, list(k.Roles), k.ActAs,
			list(k.Models), list(k.Endpoints), registry.Moment(k.Created),
			registry.Moment(k.Expires), registry.Moment(k.Revoked), k.Tenant); err != nil {
			return r, err
		}
		return r, d.keepSecrets(w, k.ID, nil, k.Secrets)
	})
	if err != nil {
		return registry.Key{}, err
	}
	return k, nil
}

// Update implements registry.Store.
func (d *Database) Update(ctx context.Context, id string, how registry.Write, action string,
	change func(*registry.Key, time.Time) error,
) (k registry.Key, err error) {
	err = d.write(ctx, how, func(w *writing) (registry.Record, error) {
		r := registry.Record{Action: action, Object: id}
		if k, err = keyOf(w.ctx, w, id); err != nil {
			return r, err
		}
		if how.Expected != 0 && how.Expected != k.Revision {
			return r, registry.ErrConflict
		}
		before := k
		before.Secrets = slices.Clone(k.Secrets)
		r.Before = describe(&before)
		if err := w.may(how, &before); err != nil {
			return r, err
		}
		if err := change(&k, w.now); err != nil {
			return r, &refusal{err}
		}
		k.ID, k.Created, k.Revision = id, before.Created, w.revision
		if err := w.checkKey(how, &before, &k); err != nil {
			return r, err
		}
		r.After = describe(&k)
		if r.After == r.Before && slices.EqualFunc(k.Secrets, before.Secrets, sameSecret) {
			k = before
			return r, errUnchanged
		}
		if err := w.keepKey(&k, updateKey, k.Name, k.User, list(k.Roles), k.ActAs, list(k.Models),
			list(k.Endpoints), registry.Moment(k.Expires), registry.Moment(k.Revoked),
			k.Tenant, id); err != nil {
			return r, err
		}
		return r, d.keepSecrets(w, id, before.Secrets, k.Secrets)
	})
	if err != nil {
		return registry.Key{}, err
	}
	return k, nil
}

// Note implements registry.Store.
func (d *Database) Note(ctx context.Context, n registry.Note, how registry.Write,
) (revision int64, err error) {
	err = d.write(ctx, how, func(w *writing) (registry.Record, error) {
		w.elsewhere, revision = true, w.revision
		return registry.Record{
			Action: n.Action, Object: n.Object, Before: n.Before, After: n.After,
		}, nil
	})
	return revision, err
}

// sameSecret reports whether two secrets are one, with the same end.
func sameSecret(a, b registry.Secret) bool {
	return a.Hash == b.Hash && a.Expires.Equal(b.Expires)
}

// keepKey keeps a key by a statement.
func (w *writing) keepKey(k *registry.Key, statement string, args ...any) error {
	if k.Tenant != "" {
		if err := w.needs(peopleVersion); err != nil {
			return err
		}
	}
	return w.exec(statement, args...)
}

// noTexts is how no texts are kept.
const noTexts = "[]"

// list returns the texts as they are kept.
func list[T ~string](texts []T) string {
	if len(texts) == 0 {
		return noTexts
	}
	b, err := json.Marshal(texts)
	if err != nil {
		return noTexts // texts can be encoded
	}
	return string(b)
}

// keepSecrets keeps what has changed of the secrets of a key. One that is another key's is
// registry.ErrTaken.
func (d *Database) keepSecrets(w *writing, id string, before, after []registry.Secret) error {
	with := func(h registry.Hash) func(registry.Secret) bool {
		return func(s registry.Secret) bool { return s.Hash == h }
	}
	for _, s := range before {
		if slices.ContainsFunc(after, with(s.Hash)) {
			continue
		}
		if err := w.exec(deleteSecret, hex.EncodeToString(s.Hash[:]), id); err != nil {
			return err
		}
	}
	for _, s := range after {
		hash, expires := hex.EncodeToString(s.Hash[:]), registry.Moment(s.Expires)
		var err error
		if i := slices.IndexFunc(before, with(s.Hash)); i < 0 {
			err = w.exec(insertSecret, hash, id, registry.Moment(s.Created), expires)
		} else if !before[i].Expires.Equal(s.Expires) {
			err = w.exec(updateSecret, expires, hash, id)
		}
		if d.isTaken(err) {
			return registry.ErrTaken
		}
		if err != nil {
			return err
		}
	}
	return nil
}
