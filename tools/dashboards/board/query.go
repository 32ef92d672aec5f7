package board

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// query is an expression and what its series are called: a template such as {{model}}, or the
// head of its column in a table.
type query struct {
	name, expr string
}

var abbreviations = strings.NewReplacer(
	"{of", `{model=~"$model", instance=~"$instance"`,
	"{at", `{instance=~"$instance"`,
	"{models", `{model=~"$model"`,
	"[rate]", "[$__rate_interval]",
	"[all]", "[$__range]",
)

// expand returns the PromQL that an expression of this package stands for.
func expand(expr string) string { return abbreviations.Replace(expr) }

// quantile returns the expression of a quantile of a histogram, of which selector says what is
// counted ("{of}"), by the labels given.
func quantile(q, histogram, selector string, by ...string) string {
	return "histogram_quantile(" + q + ", sum by (" + strings.Join(append([]string{"le"}, by...), ", ") + ") (rate(" + histogram + "_bucket" + selector + "[rate])))"
}

// refs are the names of queries within a panel.
const refs = "ABCDEFGHIJ"

// overTime returns the queries whose answers are lines.
func overTime(queries []query) []cog.Builder[variants.Dataquery] {
	return targets(queries, func(q *prometheus.DataqueryBuilder) { q.Range() })
}

// atTheEnd returns the queries that are asked about the end of the time shown.
func atTheEnd(queries []query) []cog.Builder[variants.Dataquery] {
	return targets(queries, func(q *prometheus.DataqueryBuilder) { q.Instant() })
}

// asTable returns the queries that are asked about the end of the time shown, for a table.
func asTable(queries []query) []cog.Builder[variants.Dataquery] {
	return targets(queries, func(q *prometheus.DataqueryBuilder) { q.Instant().Format(prometheus.PromQueryFormatTable) })
}

func targets(queries []query, how func(*prometheus.DataqueryBuilder)) (all []cog.Builder[variants.Dataquery]) {
	for i, q := range queries {
		b := prometheus.NewDataqueryBuilder().Expr(expand(q.expr)).LegendFormat(q.name).RefId(refs[i : i+1])
		how(b)
		all = append(all, b)
	}
	return all
}
