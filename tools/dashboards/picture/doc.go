// Package picture draws a dashboard from its JSON and from what Prometheus has answered to its
// expressions, so that a reader of the documents sees what Grafana would show. It is plain: the
// grid, the titles, the lines, numbers, tables and bands, in Grafana's colours; neither menus nor
// annotations. It knows the kinds of panels and the options that package board uses, and no others.
package picture
