package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	recordColumns = "revision, at, actor, credential, address, request_id, reason, action, " +
		"object, before, after, sum"
	lastSum      = "SELECT sum FROM audit ORDER BY revision DESC LIMIT 1"
	insertRecord = "INSERT INTO audit (" + recordColumns + ") " +
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)

// record keeps a record for the audit, with the sum over it and the one before.
func (w *writing) record(r registry.Record) error {
	var digits string
	err := w.QueryRowContext(w.ctx, lastSum).Scan(&digits)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	before, err := registry.ParseSum(digits)
	if err != nil {
		return fmt.Errorf("the sum of the last audit record: %w", err)
	}
	r.Sum = r.SumAfter(before)
	return w.exec(insertRecord, r.Revision, registry.Moment(r.At), r.Actor, r.Credential, r.Address,
		r.RequestID, r.Reason, r.Action, r.Object, r.Before, r.After, r.Sum.String())
}

// Audit implements registry.Store.
func (d *Database) Audit(
	ctx context.Context, q registry.AuditQuery,
) (list []registry.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return nil, err
	}
	statement, args := selectRecords(q)
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, unavailable(err)
		}
		list = append(list, r)
	}
	return list, unavailable(rows.Err())
}

// selectRecords returns the question for some records, and its arguments.
func selectRecords(q registry.AuditQuery) (string, []any) {
	var c conditions
	c.add("revision > ?", q.After)
	if q.Before != 0 {
		c.add("revision < ?", q.Before)
	}
	if q.Actor != "" {
		c.add("actor = ?", q.Actor)
	}
	if q.Object != "" {
		c.add("object = ?", q.Object)
	}
	order, _ := direction(q.Newest)
	return "SELECT " + recordColumns + " FROM audit" + c.where() +
		" ORDER BY revision" + order + " LIMIT " + c.arg(q.Limit), c.args
}

// scanRecord reads a row.
func scanRecord(rows *sql.Rows) (r registry.Record, err error) {
	var at int64
	var sum string
	if err := rows.Scan(&r.Revision, &at, &r.Actor, &r.Credential, &r.Address, &r.RequestID,
		&r.Reason, &r.Action, &r.Object, &r.Before, &r.After, &sum); err != nil {
		return r, err
	}
	r.At = registry.TimeOf(at)
	if r.Sum, err = registry.ParseSum(sum); err != nil {
		return r, fmt.Errorf("the sum of the audit record %d: %w", r.Revision, err)
	}
	return r, nil
}

// describe returns a key as the audit has it. Nothing that follows from a secret is in it.
func describe(k *registry.Key) string {
	b, err := json.Marshal(struct {
		Name      string   `json:"name"`
		User      string   `json:"user"`
		Tenant    string   `json:"tenant,omitzero"` // none: the default one
		Roles     any      `json:"roles"`
		ActAs     bool     `json:"act_as,omitzero"`
		Models    []string `json:"models,omitempty"`
		Endpoints []string `json:"endpoints,omitempty"`
		Expires   string   `json:"expires_at,omitzero"`
		Revoked   string   `json:"revoked_at,omitzero"`
		Secrets   []secret `json:"secrets"`
	}{
		k.Name, k.User, k.Tenant, k.Roles, k.ActAs, k.Models, k.Endpoints, registry.Text(k.Expires),
		registry.Text(k.Revoked), described(k.Secrets),
	})
	if err != nil {
		return "" // texts and numbers can be encoded
	}
	return string(b)
}

// secret is what the audit has of a secret.
type secret struct {
	Created string `json:"created_at"`
	Expires string `json:"expires_at,omitzero"`
}

func described(secrets []registry.Secret) []secret {
	list := make([]secret, len(secrets))
	for i, s := range secrets {
		list[i] = secret{registry.Text(s.Created), registry.Text(s.Expires)}
	}
	return list
}

// describe returns an object as the audit has it; "" of one that is not there.
func (o *object) describe() string {
	if o.revision == 0 {
		return ""
	}
	b, err := json.Marshal(struct {
		Tenant            string   `json:"tenant,omitzero"` // of a user; none: the default one
		Name              string   `json:"name"`
		Disabled          bool     `json:"disabled,omitzero"`
		Permissions       []string `json:"permissions,omitempty"`
		TenantPermissions []string `json:"tenant_permissions,omitempty"`
		Description       string   `json:"description,omitzero"`
	}{
		o.id.Tenant, o.id.Name, o.disabled, o.permissions, o.tenantPermissions, o.description,
	})
	if err != nil {
		return "" // texts can be encoded
	}
	return string(b)
}
