// Package admin is administration over HTTP: what accounts have used, whether the gateway is
// healthy and ready, its metrics, its build and its effective configuration. It changes nothing.
//
// Health, readiness, build and metrics are open, for probes and scrapers;
// everything that tells of users or of the configuration is for the role admin.
package admin
