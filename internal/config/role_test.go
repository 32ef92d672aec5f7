package config

import (
	"strings"
	"testing"
)

// TestCustomRoles: roles that are not built in are taken where there is a control database, which
// may have them or not; elsewhere they are a mistake.
func TestCustomRoles(t *testing.T) {
	const auth = "auth: {api-keys: [{name: a, user: u, tenant: acme, hash: '" + goodHash + "', roles: [user, reader]}], " +
		"jwt: {issuers: [{issuer: https://i, audiences: [a], algorithms: [RS256], map: {roles: [{claim: /r, has: x, give: auditor}]}}]}}\n"
	const text = aModel + limited + auth
	c := load(t, text+"database: {url: postgres://u@h/d}", nil)
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Path+" "+w.Value)
	}
	want := `auth.api-keys[0].roles[1] "reader"; auth.jwt.issuers[0].map.roles[0].give "auditor"`
	if strings.Join(got, "; ") != want || c.Auth.APIKeys[0].Tenant != "acme" {
		t.Errorf("%q; the key is %+v", got, c.Auth.APIKeys[0])
	}
	_, err := Load(Options{Dir: "conf", Files: folder{"application.yml": text}.files(), Env: variables{}.look})
	if err == nil || strings.Count(err.Error(), "is no role, and custom ones are kept in a control database") != 2 {
		t.Error(err)
	}
}
