//lint:file-ignore SA1019 The library prefers a newer form, which files for Grafana 11 cannot have.

package board

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Board is a dashboard. Make one with Overview, Usage or Errors.
type Board struct {
	uid, title, description string
	sections                []section
}

// section is a row's head and the panels below it.
type section struct {
	title  string
	panels []panel
}

// builder makes a panel.
type builder = cog.Builder[dashboard.Panel]

// panel is a panel and its size on Grafana's grid, which has 24 columns.
type panel struct {
	width, height uint32
	builder
}

// All returns every dashboard, in the order in which an operator asks.
func All() []Board { return []Board{Overview(), Usage(), Errors()} }

// Where the documents are that dashboards lead to.
const (
	repository = "https://github.com/token-rate-limiter/token-rate-limiter/blob/main/"
	runbooks   = repository + "docs/runbooks.md"
	about      = repository + "docs/monitoring.md"
)

// tag is what the dashboards know each other by.
const tag = "token-rate-limiter"

// File returns the name of the file that the dashboard is kept in.
func (b Board) File() string { return b.uid + "-dashboard.json" }

// JSON returns what Grafana reads.
func (b Board) JSON() ([]byte, error) {
	d, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.uid, err)
	}
	text, err := json.MarshalIndent(d, "", " ")
	return append(text, '\n'), err
}

// build returns the dashboard with its panels numbered and laid out.
func (b Board) build() (dashboard.Dashboard, error) {
	made := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.description).Tags([]string{tag}).
		Time("now-6h", "now").Refresh("30s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Timepicker(dashboard.NewTimePickerBuilder().RefreshIntervals([]string{"15s", "30s", "1m", "5m", "15m"}))
	for _, v := range variables() {
		made.WithVariable(v)
	}
	for _, a := range annotations() {
		made.Annotation(a)
	}
	for _, l := range links() {
		made.Link(l)
	}
	for _, s := range b.sections {
		made.WithRow(dashboard.NewRowBuilder(s.title))
		for _, p := range s.panels {
			made.WithPanel(sized{p})
		}
	}
	d, err := made.Build()
	if err != nil {
		return d, err
	}
	number(d.Panels)
	asOf11(&d)
	return d, nil
}

// sized gives a panel its size. The library finds its place.
type sized struct{ panel }

// Build implements cog.Builder.
func (s sized) Build() (dashboard.Panel, error) {
	p, err := s.builder.Build()
	p.GridPos = &dashboard.GridPos{W: s.width, H: s.height}
	return p, err
}

// number gives each panel an id, so that links to one panel stay right while the order does.
func number(panels []dashboard.PanelOrRowPanel) {
	for i := range panels {
		id := uint32(i + 1)
		if p := panels[i].Panel; p != nil {
			p.Id = &id
		} else {
			panels[i].RowPanel.Id = id
		}
	}
}

// asOf11 gives the dashboard the form that Grafana reads since version 11; later ones bring it up
// to date by themselves. The library's is newer, and would hide links and switches in a menu.
func asOf11(d *dashboard.Dashboard) {
	d.SchemaVersion = 39
	for i := range d.Links {
		d.Links[i].Placement = nil
	}
	for _, p := range d.Panels {
		if p.Panel == nil {
			continue // a row
		}
		for i := range p.Panel.Links {
			p.Panel.Links[i].Placement = nil
		}
	}
	for i := range d.Annotations.List {
		d.Annotations.List[i].Placement = nil
	}
}

// source is the data source that is chosen above the panels.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// variables are what is chosen above the panels: where the answers come from, models, gateways.
func variables() []cog.Builder[dashboard.VariableModel] {
	chosen := func(text, value string) dashboard.VariableOption {
		return dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: &text}, Value: dashboard.StringOrArrayOfString{String: &value}}
	}
	ask := func(name, label, description, query string) cog.Builder[dashboard.VariableModel] {
		return dashboard.NewQueryVariableBuilder(name).Label(label).Description(description).Datasource(source()).
			Query(dashboard.StringOrMap{String: &query}).Definition(query).
			Multi(true).IncludeAll(true).Current(chosen("All", "$__all")).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc)
	}
	return []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus").Current(chosen("Prometheus", "prometheus")),
		ask("model", "Model", "Public names of models.", "label_values(token_usage_total, model)"),
		ask("instance", "Gateway", "Gateways, by the address at which Prometheus reads them.", "label_values(rate_limit_degraded, instance)"),
	}
}

// annotations are what happened, across all panels. Grafana marks where an expression is above 0.
func annotations() []cog.Builder[dashboard.AnnotationQuery] {
	mark := func(name, color, text, expr string, valueIsTime bool) cog.Builder[dashboard.AnnotationQuery] {
		return dashboard.NewAnnotationQueryBuilder().Name(name).Datasource(source()).IconColor(color).Hide(false).
			Expr(expand(expr)).TitleFormat(name).TextFormat(text).TagKeys("instance").UseValueForTime(valueIsTime)
	}
	return []cog.Builder[dashboard.AnnotationQuery]{
		mark("Configuration applied", blue, "{{instance}}", "config_last_reload_success_timestamp_seconds{at} * 1000", true),
		mark("Configuration refused", red, "{{instance}} goes on with the one before", "config_last_reload_successful{at} == bool 0", false),
		mark("Gateway started", purple, "{{instance}}", "process_start_time_seconds{at} * 1000", true),
	}
}

// links lead to the other dashboards, with the time and what is chosen, and to the documents.
func links() []cog.Builder[dashboard.DashboardLink] {
	to := func(title, tooltip, url string) cog.Builder[dashboard.DashboardLink] {
		return dashboard.NewDashboardLinkBuilder(title).Type(dashboard.DashboardLinkTypeLink).Icon("doc").Tooltip(tooltip).Url(url).TargetBlank(true)
	}
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("Dashboards").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).KeepTime(true).IncludeVars(true),
		to("Runbooks", "For each alert: how to see it, mend it and prove it", runbooks),
		to("About these dashboards", "What each one answers, and what none of them can", about),
	}
}
