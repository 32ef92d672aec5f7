package database

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	insertKey = "INSERT INTO api_keys " +
		"(id, name, owner, roles, act_as, created_at, expires_at, revoked_at) " +
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	updateKey = "UPDATE api_keys SET name = $1, owner = $2, roles = $3, act_as = $4, " +
		"expires_at = $5, revoked_at = $6 WHERE id = $7"
	insertSecret = "INSERT INTO key_secrets (hash, key_id, created_at, expires_at) " +
		"VALUES ($1, $2, $3, $4)" // #nosec G101 -- a statement, no credential
	updateSecret = "UPDATE key_secrets SET expires_at = $1 " +
		"WHERE hash = $2 AND key_id = $3" // #nosec G101 -- a statement, no credential
)

// Create implements registry.Store.
func (d *Database) Create(
	ctx context.Context, k registry.Key, a registry.Act,
) (registry.Key, error) {
	if err := k.Check(); err != nil {
		return registry.Key{}, err
	}
	err := d.write(ctx, a, func(w *writing) (registry.Record, error) {
		k.ID, k.Created, k.Revoked = registry.NewID(w.now), w.now, time.Time{}
		for i := range k.Secrets {
			k.Secrets[i].Created = w.now
		}
		r := registry.Record{Action: "key.create", Object: k.ID, After: describe(&k)}
		roles, err := json.Marshal(k.Roles)
		if err != nil {
			return r, err
		}
		if err := w.exec(insertKey, k.ID, k.Name, k.User, string(roles), k.ActAs,
			moment(k.Created), moment(k.Expires), moment(k.Revoked)); err != nil {
			return r, err
		}
		return r, d.keepSecrets(w, &k)
	})
	if err != nil {
		return registry.Key{}, err
	}
	return k, nil
}

// Update implements registry.Store.
func (d *Database) Update(ctx context.Context, id string, a registry.Act, action string,
	change func(*registry.Key, time.Time) error,
) (k registry.Key, err error) {
	err = d.write(ctx, a, func(w *writing) (registry.Record, error) {
		r := registry.Record{Action: action, Object: id}
		if k, err = keyOf(w.ctx, w, id); err != nil {
			return r, err
		}
		r.Before = describe(&k)
		created := k.Created
		if err := change(&k, w.now); err != nil {
			return r, err
		}
		k.ID, k.Created = id, created
		if err := k.Check(); err != nil {
			return r, err
		}
		r.After = describe(&k)
		roles, err := json.Marshal(k.Roles)
		if err != nil {
			return r, err
		}
		if err := w.exec(updateKey, k.Name, k.User, string(roles), k.ActAs,
			moment(k.Expires), moment(k.Revoked), id); err != nil {
			return r, err
		}
		return r, d.keepSecrets(w, &k)
	})
	if err != nil {
		return registry.Key{}, err
	}
	return k, nil
}

// keepSecrets keeps the secrets of a key. One that is another key's is registry.ErrTaken.
func (d *Database) keepSecrets(w *writing, k *registry.Key) error {
	for _, s := range k.Secrets {
		hash, expires := hex.EncodeToString(s.Hash[:]), moment(s.Expires)
		r, err := w.ExecContext(w.ctx, updateSecret, expires, hash, k.ID)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			if err != nil {
				return err
			}
			continue
		}
		err = w.exec(insertSecret, hash, k.ID, moment(s.Created), expires)
		if d.isTaken(err) {
			return registry.ErrTaken
		}
		if err != nil {
			return err
		}
	}
	return nil
}
