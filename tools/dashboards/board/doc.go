// Package board describes the dashboards that Grafana shows, and makes their JSON.
//
// A dashboard is a list of sections; a section is a list of panels, which are laid out from left
// to right and from top to bottom in the order in which they stand here. To change a dashboard,
// change its file here (overview.go, usage.go, errors.go) and run `make dashboards`.
//
// Expressions are PromQL with five abbreviations, which keep the variables of a dashboard in
// every one of them (expand in query.go):
//
//	{of}          the series of the models and gateways that are chosen above the panels
//	{at}          the series of the gateways that are chosen: metrics without a model
//	{models}      the series of the models that are chosen
//	[rate] [all]  the window that suits the resolution; all of the time that is shown
//
// Each stands with further matchers too: {of, code="429"}.
package board
