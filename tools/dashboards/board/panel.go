package board

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Colours of numbers, bands, cells and statuses have one meaning each: green is well, orange wants a
// look today, red wants one now. Blue and purple say nothing about being well, and gray is the
// client's doing. Lines that are only to be told apart have Grafana's palette.
const (
	green  = "green"
	orange = "orange"
	red    = "red"
	blue   = "blue"
	purple = "purple"
	gray   = "#8e8e8e"
)

// Units, by Grafana's names. Tokens and requests a minute are plain numbers; in tables they are
// counted to the last one.
const (
	seconds = "s"
	share   = "percentunit"
	plain   = "short"
	counted = "locale"
	each    = "reqps"
	bytes   = "bytes"
)

// step is a threshold: from this value on, this colour.
type step struct {
	from  float64
	color string
}

// steps returns thresholds whose first colour holds below all of them.
func steps(base string, more ...step) cog.Builder[dashboard.ThresholdsConfig] {
	all := []dashboard.Threshold{{Color: base}}
	for _, s := range more {
		all = append(all, dashboard.Threshold{Value: new(s.from), Color: s.color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

// runbook returns a link from a panel to what the runbooks say of an alert.
func runbook(alert string) []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("Runbook").Type(dashboard.DashboardLinkTypeLink).Url(runbooks + "#" + strings.ToLower(alert)).TargetBlank(true),
	}
}

// figure is one number and how it came to be: what has no good and no bad.
func figure(title, description, unit, expr string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Datasource(source()).Unit(unit).NoValue("no data").
		Targets(overTime([]query{{title, expr}})).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).Orientation(common.VizOrientationAuto).
		GraphMode(common.BigValueGraphModeArea).ColorMode(common.BigValueColorModeValue).Thresholds(steps(blue))
}

// verdict is a number that says by its colour whether all is well.
func verdict(title, description, unit, expr string, thresholds cog.Builder[dashboard.ThresholdsConfig]) *stat.PanelBuilder {
	return figure(title, description, unit, expr).Targets(atTheEnd([]query{{title, expr}})).
		ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).Thresholds(thresholds)
}

// lines is what has changed over time.
func lines(title, description, unit string, queries ...query) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().Title(title).Description(description).Datasource(source()).Unit(unit).Min(0).
		Targets(overTime(queries)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassicByName)).
		LineWidth(1).FillOpacity(8).ShowPoints(common.VisibilityModeNever).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
}

// stacked is lines whose sum counts.
func stacked(title, description, unit string, queries ...query) *timeseries.PanelBuilder {
	return lines(title, description, unit, queries...).FillOpacity(50).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// limited is lines with thresholds that are drawn.
func limited(p *timeseries.PanelBuilder, thresholds cog.Builder[dashboard.ThresholdsConfig]) *timeseries.PanelBuilder {
	return p.Thresholds(thresholds).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
}

// byStatus gives statuses of answers the colours of whose doing they are: the client's, a limit's,
// or a failure, of which each has a shade of red.
func byStatus(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return painted(p, paint{"2..", green}, paint{"4..", blue}, paint{"429", orange}, paint{"499", gray},
		paint{"5..", "dark-red"}, paint{"502", "semi-dark-red"}, paint{"503", "light-red"}, paint{"504", "super-light-red"}, paint{"599", red})
}

// paint is the colour of the lines whose names match an expression.
type paint struct{ names, color string }

// painted gives lines colours that mean something; the last one that matches counts.
func painted(p *timeseries.PanelBuilder, paints ...paint) *timeseries.PanelBuilder {
	for _, one := range paints {
		p.OverrideByRegexp(one.names, []dashboard.DynamicConfigValue{{Id: "color", Value: dashboard.FieldColor{Mode: dashboard.FieldColorModeIdFixed, FixedColor: &one.color}}})
	}
	return p
}

// state is a value of a series, what it is called and its colour.
type state struct {
	value, text, color string
}

func mapping(states []state) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for i, s := range states {
		options[s.value] = dashboard.ValueMappingResult{Text: &s.text, Index: new(int32(i))}
		if s.color != "" {
			options[s.value] = dashboard.ValueMappingResult{Text: &s.text, Color: &s.color, Index: new(int32(i))}
		}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}

// bands is a band for each series, coloured by its state.
func bands(title, description string, states []state, queries ...query) *statetimeline.PanelBuilder {
	return statetimeline.NewPanelBuilder().Title(title).Description(description).Datasource(source()).
		Targets(overTime(queries)).Mappings(mapping(states)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).Thresholds(steps(gray)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)).
		MergeValues(true).ShowValue(common.VisibilityModeAuto).RowHeight(0.8).FillOpacity(80).LineWidth(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeHidden).Placement(common.LegendPlacementBottom))
}

// column is a column of a table: a label of the series, or the value of a query.
type column struct {
	label, expr string // one of them
	head, unit  string
	config      []dashboard.DynamicConfigValue
}

// columns is a table with a row for each set of labels, sorted by one of its columns.
func columns(title, description, sortBy string, cs ...column) *table.PanelBuilder {
	p := table.NewPanelBuilder().Title(title).Description(description).Datasource(source()).CellHeight(common.TableCellHeightSm)
	var queries []query
	for _, c := range cs {
		if c.expr != "" {
			queries = append(queries, query{c.head, c.expr})
		}
		if c.head == sortBy { // numbers from the greatest, words from A
			p.SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(sortBy).Desc(c.expr != "")})
		}
	}
	heads, order, value := map[string]string{}, map[string]int{}, 0
	for i, c := range cs {
		field := c.label
		if c.expr != "" {
			field = "Value"
			if len(queries) > 1 {
				field += " #" + refs[value:value+1]
			}
			value++
		}
		heads[field], order[field] = c.head, i
		config := c.config
		if c.unit != "" {
			config = append([]dashboard.DynamicConfigValue{{Id: "unit", Value: c.unit}, {Id: "decimals", Value: 0}}, config...)
		}
		if len(config) > 0 {
			p.OverrideByName(c.head, config)
		}
	}
	return p.Targets(asTable(queries)).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true}, "indexByName": order, "renameByName": heads,
		}})
}

// cells are what colours a column's cells by their states.
func cells(states ...state) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		{Id: "mappings", Value: mapping(states)},
		{Id: "custom.cellOptions", Value: common.TableColorTextCellOptions{Type: common.TableCellDisplayModeColorText}},
	}
}

// words is a text, in Markdown.
func words(title, description, markdown string) *text.PanelBuilder {
	return text.NewPanelBuilder().Title(title).Description(description).Mode(text.TextModeMarkdown).Content(markdown)
}
