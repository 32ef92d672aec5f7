package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	recordColumns = "revision, at, actor, credential, request_id, reason, action, object, " +
		"before, after, sum"
	lastSum      = "SELECT sum FROM audit ORDER BY revision DESC LIMIT 1"
	insertRecord = "INSERT INTO audit (" + recordColumns + ") " +
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	selectRecords = "SELECT " + recordColumns + " FROM audit WHERE revision > $1 " +
		"ORDER BY revision LIMIT $2"
)

// record keeps a record for the audit, with the sum over it and the one before.
func (w *writing) record(r registry.Record) error {
	var before string
	err := w.QueryRowContext(w.ctx, lastSum).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	r.Sum = r.SumAfter(before)
	return w.exec(insertRecord, r.Revision, moment(r.At), r.Actor, r.Credential, r.RequestID,
		r.Reason, r.Action, r.Object, r.Before, r.After, r.Chain())
}

// Audit implements registry.Store.
func (d *Database) Audit(
	ctx context.Context, after int64, limit int,
) (list []registry.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := d.Prepare(ctx); err != nil {
		return nil, err
	}
	rows, err := d.db.QueryContext(ctx, selectRecords, after, limit)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r registry.Record
		var at int64
		var sum string
		if err := rows.Scan(&r.Revision, &at, &r.Actor, &r.Credential, &r.RequestID, &r.Reason,
			&r.Action, &r.Object, &r.Before, &r.After, &sum); err != nil {
			return nil, unavailable(err)
		}
		if r.Sum, err = hashOf(sum); err != nil {
			return nil, fmt.Errorf("the audit record %d: %w", r.Revision, err)
		}
		r.At = timeOf(at)
		list = append(list, r)
	}
	return list, unavailable(rows.Err())
}

// describe returns a key as the audit has it. Nothing that follows from a secret is in it.
func describe(k *registry.Key) string {
	b, err := json.Marshal(struct {
		Name    string   `json:"name"`
		User    string   `json:"user"`
		Roles   any      `json:"roles"`
		ActAs   bool     `json:"act_as,omitzero"`
		Expires string   `json:"expires_at,omitzero"`
		Revoked string   `json:"revoked_at,omitzero"`
		Secrets []string `json:"secrets_created_at"`
	}{k.Name, k.User, k.Roles, k.ActAs, text(k.Expires), text(k.Revoked), created(k.Secrets)})
	if err != nil {
		return "" // texts and numbers can be encoded
	}
	return string(b)
}

func created(secrets []registry.Secret) []string {
	list := make([]string, len(secrets))
	for i, s := range secrets {
		list[i] = text(s.Created)
	}
	return list
}

// text returns a time as people read it; "" for none.
func text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
