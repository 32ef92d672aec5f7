package board

// objective is the share of requests that may fail.
const objective = "0.001"

// Errors answers: what fails, for whom, whose doing is it, and since when?
func Errors() Board {
	return Board{
		uid: "error-monitoring", title: "Error monitoring",
		description: "What fails, for whom, whose doing it is, and since when: by status, by model server, by what the store does, by the gateway's own limits.",
		sections: []section{
			{"Now", errorsNow()},
			{"What fails, and for whom", failurePanels()},
			{"Model servers", serverErrorPanels()},
			{"Redis", storeErrorPanels()},
			{"The gateway's own limits", ownLimitPanels()},
		},
	}
}

func errorsNow() []panel {
	return []panel{
		{3, 4, verdict("Requests that fail", "Of those that were not turned away (4xx), the share that ends with a status of 500 or above; 599 is an answer that breaks off.", share,
			failed+" / ("+judged+" > 0)", steps(green, step{0.001, orange}, step{0.01, red})).Links(runbook("AvailabilityBudgetBurnsFast")).Decimals(2).NoValue("no requests")},
		{3, 4, verdict("Budget left", "Of the failures that 99.9 % allow in the time shown. Below 0 the objective is missed.", share,
			"1 - "+budgetUsed, steps(red, step{0, orange}, step{0.25, green})).Links(runbook("AvailabilityBudgetBurnsSlowly")).Decimals(0).NoValue("no requests")},
		{3, 4, verdict("Broken off a minute", "Answers that broke off after they had begun with 200 (599): the model server ended or fell silent, or the client was too slow when there was no room.", plain,
			`60 * (sum(rate(model_request_duration_seconds_count{of, code="599"}[rate])) or vector(0))`, steps(green, step{0.1, orange}, step{6, red})).Links(runbook("AnswersBreakOff")).Decimals(1)},
		{3, 4, verdict("Server errors a minute", "Requests that a model server did not answer properly, those that another one then answered among them.", plain,
			"60 * (sum(rate(model_upstream_errors_total{of}[rate])) or vector(0))", steps(green, step{0.1, orange}, step{6, red})).Links(runbook("EndpointErrors")).Decimals(1)},
		{3, 4, verdict("Breakers not closed", "Model servers that get no requests, or one a second.", plain,
			"count(max by (model, endpoint) (circuit_breaker_state{of}) > 0) or vector(0)", steps(green, step{1, orange})).Links(runbook("BreakerOpen"))},
		{3, 4, verdict("Redis errors a minute", "Calls that fail, of all operations.", plain,
			"60 * (sum(rate(rate_limit_store_errors_total{at}[rate])) or vector(0))", steps(green, step{0.1, orange}, step{6, red})).Links(runbook("StoreErrors")).Decimals(1)},
		{3, 4, verdict("Cannot decide", "Gateways whose store (Redis) is away, and models that it refuses.", plain,
			"sum(rate_limit_degraded{at}) + sum(max by (model) (rate_limit_model_refused{of}))", steps(green, step{1, red})).Links(runbook("StoreDegraded"))},
		{3, 4, verdict("Alerts that fire", "Which ones says the dashboard System overview.", plain,
			`count(ALERTS{alertstate="firing"}) or vector(0)`, steps(green, step{1, red}))},
	}
}

// budgetUsed is the failures in the time shown, of those that the objective allows.
const budgetUsed = `(sum(increase(model_request_duration_seconds_count{of, code=~"5.."}[all])) or vector(0)) / (sum(increase(model_request_duration_seconds_count{of, code!~"4.."}[all])) > 0) / ` + objective

func failurePanels() []panel {
	return []panel{
		{12, 8, byStatus(stacked("Requests a minute that were not answered with 200, by status", "Blue is the client's doing, orange a limit, red a failure. 499: the client left before the answer began.", plain,
			query{"{{code}}", `60 * sum by (code) (rate(model_request_duration_seconds_count{of, code!~"2.."}[rate]))`}))},
		{12, 8, limited(lines("How fast the budget is used", "1 uses it up exactly by the end of the month; 14.4 uses 2 % of it in an hour, and a page comes when both the last hour and the last 5 minutes are above.", plain,
			query{"last 5 minutes", burnRate("5m")}, query{"last hour", burnRate("1h")}, query{"last 6 hours", burnRate("6h")}),
			steps(green, step{1, orange}, step{14.4, red})).Links(runbook("AvailabilityBudgetBurnsFast"))},
		{14, 8, columns("All of the time shown, by model and status", "Endpoint is what was asked for, such as chat.", "Requests",
			column{label: "code", head: "Status", config: cells(statuses...)},
			column{label: "model", head: "Model"},
			column{label: "endpoint", head: "Endpoint"},
			column{expr: `sum by (code, model, endpoint) (increase(model_request_duration_seconds_count{of, code!~"2.."}[all])) > 0`, head: "Requests", unit: counted},
		).NoValue("none")},
		{10, 8, lines("Share of requests that fail, by model", "Status of 500 or above, of those that were not turned away (4xx). One model: its servers. All of them: Redis, or the gateways.", share,
			query{"{{model}}", `sum by (model) (rate(model_request_duration_seconds_count{of, code=~"5.."}[rate])) / sum by (model) (rate(model_request_duration_seconds_count{of, code!~"4.."}[rate]))`})},
	}
}

// burnRate returns the share of requests that failed in a window, of the share that may.
func burnRate(window string) string {
	return `(sum(rate(model_request_duration_seconds_count{of, code=~"5.."}[` + window + `])) or vector(0)) / (sum(rate(model_request_duration_seconds_count{of, code!~"4.."}[` + window + `])) > 0) / ` + objective
}

// statuses are what the statuses of answers mean, and whose doing they are.
var statuses = []state{
	{"400", "400 not understood", blue},
	{"401", "401 no valid key", blue},
	{"403", "403 not allowed", blue},
	{"404", "404 unknown", blue},
	{"413", "413 too large", blue},
	{"429", "429 denied by a limit", orange},
	{"499", "499 the client left", gray},
	{"500", "500 the gateway failed", red},
	{"502", "502 the model server failed", red},
	{"503", "503 nobody to ask, or no store", red},
	{"504", "504 the model server was too slow", red},
	{"599", "599 broke off", red},
}

func serverErrorPanels() []panel {
	return []panel{
		{12, 8, lines("Errors a minute, by model server", "By the address that was asked. One address: that server. All of a model: its version, or the network.", plain,
			query{"{{model}} {{endpoint}}", "60 * sum by (model, endpoint) (rate(model_upstream_errors_total{of}[rate]))"}).Links(runbook("EndpointErrors"))},
		{12, 8, byStatus(lines("Answers that did not reach their end, a minute", "599: broke off after it had begun. 499: the client left before it began. 504: the model server was too slow.", plain,
			query{"{{code}}", `60 * sum by (code) (rate(model_request_duration_seconds_count{of, code=~"499|504|599"}[rate]))`})).Links(runbook("AnswersBreakOff"))},
		{12, 7, endpointPanel()},
		{12, 7, breakerPanel()},
	}
}

func storeErrorPanels() []panel {
	return []panel{
		{6, 8, lines("Calls that fail a minute, by what they do", "Of what they are for: reserve comes before an answer, topup while it streams, settle after it.", plain,
			query{"{{operation}}", "60 * sum by (operation) (rate(rate_limit_store_errors_total{at}[rate]))"}).Links(runbook("StoreErrors"))},
		{6, 8, lines("Settlements that wait", "For Redis. Until it has them, accounts hold what was reserved. They come in batches: some are normal, a line that grows is not.", plain,
			query{"{{instance}}", "rate_limit_store_waiting_settlements{at}"}).Links(runbook("SettlementsWait"))},
		{6, 8, decidingPanel()},
		{6, 8, lines("Signs of a Redis in trouble", "Its clock steps; it has lost running requests, which gateways write again; it has lost what was to be settled; requests were served and not counted. All of them should be 0.", plain,
			query{"clock steps", "sum(increase(rate_limit_store_clock_steps_total{at}[rate]))"},
			query{"requests restored", "sum(increase(rate_limit_store_restored_requests_total{at}[rate]))"},
			query{"settlements lost", "sum(increase(rate_limit_store_lost_settlements_total{at}[rate]))"},
			query{"requests not counted", "sum(increase(rate_limit_store_uncounted_requests_total{at}[rate]))"}).Links(runbook("StoreLostData"))},
	}
}

func ownLimitPanels() []panel {
	return []panel{
		{6, 7, bufferedPanel()},
		{6, 7, lines("No room for bytes, a minute", "Refused: a new request, or an answer that was passed on as it came. Cut off: the slowest client.", plain,
			query{"refused", "60 * sum(rate(buffered_refused_total{at}[rate]))"},
			query{"cut off", "60 * sum(rate(buffered_cut_off_total{at}[rate]))"}).Links(runbook("BuffersFull"))},
		{6, 7, descriptorPanel()},
		{6, 7, bands("Configuration", "Whether the files are right that each gateway read last. If not, it goes on with those before: the log says what is wrong, with the line.",
			[]state{{"1", "in effect", green}, {"0", "refused", red}},
			query{"{{instance}}", "config_last_reload_successful{at}"}).Links(runbook("ConfigReloadFailed"))},
		{8, 7, lines("What must not happen, a minute", "Requests that a fault of the gateway itself has ended, and lines of its log that nobody took or that could not be written.", plain,
			query{"faults", "60 * sum(rate(gateway_faults_total{at}[rate]))"},
			query{"lines of the log", "60 * sum(rate(log_lines_lost_total{at}[rate]))"}).Links(runbook("GatewayFault"))},
		{8, 7, limited(lines("Memory, of its limit", "Where the container has a limit. Near it the garbage collector takes more and more of the processor.", share,
			query{"{{instance}}", "process_resident_memory_bytes{at} / go_gc_gomemlimit_bytes{at}"}).AxisSoftMax(1), steps(green, step{0.95, red})).Links(runbook("MemoryShort"))},
		{4, 7, verdict("Certificate ends in", "The first one of those that gateways show (server.tls).", seconds,
			"min(server_certificate_expiry_timestamp_seconds{at} - time())", steps(red, step{86400, orange}, step{7 * 86400, green})).Decimals(1).NoValue("no TLS").Links(runbook("CertificateEndsSoon"))},
		{4, 7, verdict("Accounts are full", "Gateways that keep accounts in memory and have no room for another user: new ones share an account.", plain,
			"sum(rate_limit_accounts_full{at})", steps(green, step{1, red})).NoValue("in Redis").Links(runbook("AccountsFull"))},
	}
}
