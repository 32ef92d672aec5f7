package board

import "github.com/grafana/grafana-foundation-sdk/go/timeseries"

// Tokens of both kinds. Cached tokens are a part of the input and are not counted again.
const (
	used       = `sum by (model) (rate(token_usage_total{of, type=~"input|output"}[rate]))`
	suppressed = "sum by (model) (rate(token_suppressed_total{of}[rate]))"
)

// Usage answers: who uses what, who is turned away and by which limit, and how good are the prices?
func Usage() Board {
	return Board{
		uid: "token-usage", title: "Token usage",
		description: "Who uses what, who is turned away and by which limit, and how good the prices are that limits are held by.",
		sections: []section{
			{"Now", usageNow()},
			{"Who uses what", usagePanels()},
			{"Who is turned away, and by which limit", denialPanels()},
			{"How good the prices are", pricePanels()},
		},
	}
}

func usageNow() []panel {
	return []panel{
		{4, 4, figure("Tokens a minute", "Input and output, as model servers reported them.", plain, "60 * sum("+used+")")},
		{4, 4, figure("Output, of all tokens", "Output is what costs time: it comes token by token.", share,
			`sum(rate(token_usage_total{of, type="output"}[rate])) / (sum(`+used+`) > 0)`).Decimals(0).NoValue("no tokens")},
		{4, 4, figure("Input from the cache", "Share of the input that model servers had in their prefix caches.", share,
			`sum(rate(token_usage_total{of, type="cached"}[rate])) / (sum(rate(token_usage_total{of, type="input"}[rate])) > 0)`).Decimals(0).NoValue("no tokens")},
		{4, 4, verdict("Turned away", "Share of requests that were denied by a limit (429). Not a failure.", share,
			turnedOff+" / ("+requests+" > 0)", steps(blue, step{0.1, orange})).Decimals(1).NoValue("no requests")},
		{4, 4, figure("Tokens turned away a minute", "What denied requests would have been charged. Clients that try again are counted again.", plain, "60 * sum("+suppressed+")")},
		{4, 4, verdict("Debt, of tokens used", "Tokens that running requests used beyond what the limits had room for. Beyond a tenth, prices are too low: reserve: worst-case or overrun: stop help.", share,
			"sum(rate(token_overrun_total{of}[rate])) / (sum("+used+") > 0)", steps(green, step{0.1, orange})).Links(runbook("DebtGrows")).Decimals(1).NoValue("no tokens")},
	}
}

func usagePanels() []panel {
	return []panel{
		{12, 8, stacked("Tokens a minute, by model", "Input and output.", plain, query{"{{model}}", "60 * " + used})},
		{12, 8, painted(stacked("Tokens a minute, by type", "Over the models that are chosen. Cached tokens are a part of the input.", plain,
			query{"{{type}}", `60 * sum by (type) (rate(token_usage_total{of, type=~"input|output"}[rate]))`}),
			paint{"input", blue}, paint{"output", purple})},
		{18, 8, columns("All of the time shown, by model", "Denied requests and tokens turned away: what limits kept from the model. Clients that try again are counted again.", "Output",
			column{label: "model", head: "Model"},
			column{expr: `sum by (model) (increase(token_usage_total{of, type="input"}[all]))`, head: "Input", unit: counted},
			column{expr: `sum by (model) (increase(token_usage_total{of, type="output"}[all]))`, head: "Output", unit: counted},
			column{expr: `sum by (model) (increase(token_usage_total{of, type="cached"}[all])) / sum by (model) (increase(token_usage_total{of, type="input"}[all]))`, head: "Input cached", unit: share},
			column{expr: `sum by (model) (increase(model_request_duration_seconds_count{of}[all]))`, head: "Requests", unit: counted},
			column{expr: `sum by (model) (increase(model_request_duration_seconds_count{of, code="429"}[all]))`, head: "Denied", unit: counted},
			column{expr: `sum by (model) (increase(token_suppressed_total{of}[all]))`, head: "Tokens turned away", unit: counted},
		)},
		{6, 8, words("Which user?", "What no dashboard can tell, and where to ask.", whichUser)},
	}
}

// whichUser says what metrics cannot.
const whichUser = `Users are no label here: there are too many, and clients choose their names. Ask a gateway about one:

    token-rate-limiter usage MODEL USER

or GET /api/v1/admin/token-usage/MODEL/USER. Who asked what and when is in the log: a line for each request, with its user and the limit that denied it.`

func denialPanels() []panel {
	return []panel{
		{12, 8, stacked("Denials a minute, by limit", "Scope user: each user's own limit; model: that of the model over all users. A request that several limits are in the way of counts for each.", plain,
			query{"{{model}}: {{scope}} {{meter}} {{window}}", "60 * sum by (model, scope, meter, window) (rate(token_rate_limit_exceeded_total{of}[rate]))"}).Links(runbook("DemandDenied"))},
		{12, 8, columns("All of the time shown, by limit", "The limits that were in the way most often. Raise one in token.rate-limit.models, or tell the users.", "Denials",
			column{label: "model", head: "Model"},
			column{label: "scope", head: "Whose"},
			column{label: "meter", head: "Meter"},
			column{label: "window", head: "Window"},
			column{expr: "sum by (model, scope, meter, window) (increase(token_rate_limit_exceeded_total{of}[all])) > 0", head: "Denials", unit: counted},
		).NoValue("none")},
		{12, 7, lines("Share of requests turned away, by model", "Requests that ended with 429.", share,
			query{"{{model}}", `sum by (model) (rate(model_request_duration_seconds_count{of, code="429"}[rate])) / sum by (model) (rate(model_request_duration_seconds_count{of}[rate]))`})},
		{12, 7, lines("Share of the demand turned away, by model", "Tokens that denied requests would have been charged, of those and of the tokens used.", share,
			query{"{{model}}", suppressed + " / (" + suppressed + " + " + used + ")"})},
	}
}

func pricePanels() []panel {
	return []panel{
		{8, 8, limited(priceLines("input"), wellPriced)},
		{8, 8, limited(priceLines("output"), wellPriced)},
		{8, 8, lines("Prices within a quarter of the truth", "Share of estimates that are between 0.8 and 1.25 times what was used. The higher, the less is reserved in vain and the less debt there is.", share,
			query{"{{model}} {{part}}", `(sum by (model, part) (rate(token_estimate_error_ratio_bucket{of, le="1.25"}[rate])) - sum by (model, part) (rate(token_estimate_error_ratio_bucket{of, le="0.8"}[rate]))) / sum by (model, part) (rate(token_estimate_error_ratio_count{of}[rate]))`}).Links(runbook("PricesOff")).Max(1)},
		{8, 8, limited(lines("Debt by model, of tokens used", "Tokens used beyond what the limits had room for: outputs that were longer than estimated, near a limit.", share,
			query{"{{model}}", "sum by (model) (rate(token_overrun_total{of}[rate])) / " + used}), steps(green, step{0.1, orange})).Links(runbook("DebtGrows"))},
		{8, 8, lines("Given back, of tokens charged", "Charged before the answer, and not used. Much of it keeps other requests of the same user out while an answer is coming.", share,
			query{"{{model}}", "sum by (model) (rate(token_refunded_total{of}[rate])) / (sum by (model) (rate(token_refunded_total{of}[rate])) + " + used + ")"})},
		{8, 8, painted(stacked("Requests charged by an estimate, a minute", "Usage was missing, or the answer interrupted; red: a model server told a number that is none, or cannot be.", plain,
			query{"{{reason}}", "60 * sum by (reason) (rate(token_usage_estimated_total{of}[rate]))"}),
			paint{"missing|interrupted", gray}, paint{"unreadable|implausible", red}).Links(runbook("UsageImplausible"))},
	}
}

// wellPriced are the bounds between which a price is good. Both are drawn in orange.
var wellPriced = steps(orange, step{0.8, orange}, step{1.25, orange})

// priceLines is how far prices of a part are from the truth.
func priceLines(part string) *timeseries.PanelBuilder {
	of := `{of, part="` + part + `"}`
	return lines("Estimated "+part+", of that used", "1 is right, above it too much is reserved, below it there is debt. Half of all estimates are below the line half, a tenth below 10 %, a tenth above 90 %. Beyond 4 is told as 4.", plain,
		query{"10 %", quantile("0.1", "token_estimate_error_ratio", of)},
		query{"half", quantile("0.5", "token_estimate_error_ratio", of)},
		query{"90 %", quantile("0.9", "token_estimate_error_ratio", of)}).Links(runbook("PricesOff"))
}
