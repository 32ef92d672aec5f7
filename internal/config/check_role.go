package config

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// customRoles calls do with each role that somebody is given and that is not built in.
func (k checking) customRoles(do func(r identity.Role, n *binding.Node)) {
	keys := k.root.Find("auth", "api-keys")
	for i := range k.Auth.APIKeys {
		for j, r := range k.Auth.APIKeys[i].Roles {
			if r.CheckName() == nil && !r.Known() {
				do(r, keys.Items[i].Get("roles").Items[j])
			}
		}
	}
	issuers := k.root.Find("auth", "jwt", "issuers")
	for i := range k.Auth.JWT.Issuers {
		roles := issuers.Items[i].Get("map").Get("roles")
		for j, r := range k.Auth.JWT.Issuers[i].Map.Roles {
			if r.Give.CheckName() == nil && !r.Give.Known() {
				do(r.Give, roles.Items[j].Get("give"))
			}
		}
	}
}

// hasDatabase reports whether there is a control database, in which custom roles are.
func (k checking) hasDatabase() bool {
	return k.Database.URL != "" || k.Server.DataDirectory != ""
}

// roles checks that custom roles have a place to be in.
func (k checking) roles() {
	if !k.whole || k.hasDatabase() {
		return
	}
	k.customRoles(func(r identity.Role, n *binding.Node) {
		k.AddAt(n, binding.Quote(string(r)), "is no role, and custom ones are kept in a control "+
			"database, which there is not", "write "+eitherRole()+
			", or set database.url or server.data-directory")
	})
}

// unseenRoles warns of custom roles, which may be there or not.
func (k checking) unseenRoles() {
	k.customRoles(func(r identity.Role, n *binding.Node) {
		k.AddAt(n, binding.Quote(string(r)), "is a custom role, which the files cannot tell: "+
			"where the control database has none of that name it gives nothing",
			"look with: token-rate-limiter role list")
	})
}
