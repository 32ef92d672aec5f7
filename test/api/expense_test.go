package api_test

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// spent asks for what keys have spent, in all shapes. id is the id of a key.
func spent(t *testing.T, j *judge, g *apptest.Gateway, id string) {
	const path = "/api/v1/admin/usage/keys"
	for query, status := range map[string]int{
		"": 200, "?format=csv": 200, "?daily=true&sort=key&limit=1": 200, "?key=" + id: 200, "?from=2026-02-30": 400,
	} {
		j.sendTo(t, g, "GET", path, path+query, adminKey, nil, status)
	}
	j.sendTo(t, g, "GET", path, path, userKey, nil, 403)
	j.sendTo(t, g, "GET", path, path, "", nil, 401)
}
