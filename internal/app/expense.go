package app

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// expenses has what keys of the registry spend added up.
type expenses struct{ *registry.Spending }

// Read implements outcome.Reader.
func (x expenses) Read(_ context.Context, r *outcome.Record) {
	for i := range r.Earlier {
		x.add(r, &r.Earlier[i])
	}
	x.add(r, &r.Attempt)
}

func (x expenses) add(r *outcome.Record, a *outcome.Attempt) {
	if a.Model == nil {
		return
	}
	spent := a.Cost.Amount
	x.Add(registry.Expense{
		Day: registry.DayOf(r.Ended), Key: r.Credential, Model: a.Model.Name,
		Requests: spent.Requests, Input: spent.Input, Output: spent.Output,
	})
}
