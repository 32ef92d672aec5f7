// Package admin is administration over HTTP: what accounts have used, who somebody is, whether the
// gateway is healthy and ready, its metrics, its build, its effective configuration, and the
// description of all routes. It changes nothing; the routes that change the registry are in
// registrar.
//
// Health, readiness, build, metrics and the description are open. /api/v1/me is for everybody who
// has a credential, and tells of that one alone. What tells of others or of the configuration asks
// for a permission.
package admin
