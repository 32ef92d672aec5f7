package board

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// Expressions that more than one dashboard shows.
const (
	requests  = "sum(rate(model_request_duration_seconds_count{of}[rate]))"
	failed    = `(sum(rate(model_request_duration_seconds_count{of, code=~"5.."}[rate])) or vector(0))`
	judged    = `sum(rate(model_request_duration_seconds_count{of, code!~"4.."}[rate]))` // neither refused nor left by the client
	turnedOff = `(sum(rate(model_request_duration_seconds_count{of, code="429"}[rate])) or vector(0))`

	// serving is 1 for each endpoint that takes requests, as each gateway sees it.
	serving = "model_endpoint_healthy{of} * (circuit_breaker_state{of} != bool 2)"
)

// Overview answers: is it well, and if not, where does it hurt?
func Overview() Board {
	return Board{
		uid: "system-overview", title: "System overview",
		description: "Is it well, and if not, where does it hurt: requests, what the gateway adds, Redis, model servers, the processes.",
		sections: []section{
			{"Is it well?", isItWell()},
			{"Requests", requestsPanels()},
			{"What the gateway adds", addedPanels()},
			{"Redis", redisPanels()},
			{"Control database", databasePanels()},
			{"Model servers", serverPanels()},
			{"Processes", processPanels()},
		},
	}
}

func isItWell() []panel {
	return []panel{
		{3, 4, verdict("Gateways", "Gateways that Prometheus can read.", plain,
			"count(rate_limit_degraded{at}) or vector(0)", steps(red, step{1, green})).Links(runbook("GatewayDown"))},
		{3, 4, verdict("Answered without failure", "Of the requests that were not turned away (4xx), the share that ended with a status below 500. An answer that breaks off (599) is a failure. "+
			"The objective is 99.9 %.", share,
			"1 - "+failed+" / ("+judged+" > 0)", steps(red, step{0.99, orange}, step{0.999, green})).Links(runbook("AvailabilityBudgetBurnsFast")).Decimals(2).NoValue("no requests")},
		{3, 4, figure("Requests a second", "All that came to an end, denials too.", each, requests)},
		{3, 4, verdict("Turned away", "Share of requests that were denied by a limit (429). Not a failure; which limit it was says the dashboard Token usage.", share,
			turnedOff+" / ("+requests+" > 0)", steps(blue, step{0.1, orange})).Decimals(1).NoValue("no requests")},
		{3, 4, verdict("Added, 99th percentile", "Time that requests spend in the gateway, the model server's taken out. The objective is at most 50 ms for 99 % of requests.", seconds,
			quantile("0.99", "gateway_overhead_seconds", "{at}"), steps(green, step{0.01, orange}, step{0.05, red})).Links(runbook("LatencyBudgetBurnsFast")).NoValue("no requests")},
		{3, 4, verdict("Cannot decide", "Gateways whose store (Redis) is away: they admit nothing.", plain,
			"sum(rate_limit_degraded{at})", steps(green, step{1, red})).Links(runbook("StoreDegraded"))},
		{3, 4, verdict("Models without a server", "Models none of whose model servers takes requests: not well, or the breaker is open.", plain,
			"count(max by (model) ("+serving+") == 0) or vector(0)", steps(green, step{1, red})).Links(runbook("ModelWithoutServer"))},
		{3, 4, verdict("Configuration", "Whether the files are right that the gateways read last. If not, they go on with those before.", plain,
			"min(config_last_reload_successful{at})", steps(red, step{1, green})).Links(runbook("ConfigReloadFailed")).Mappings(mapping([]state{{"1", "in effect", green}, {"0", "refused", red}}))},
		{24, 7, columns("Alerts", "What fires, and what will fire if it stays so. Each name leads to the runbooks. Empty is good.", "State",
			column{label: "alertstate", head: "State", config: cells(state{"firing", "fires", red}, state{"pending", "is about to", orange})},
			column{label: "severity", head: "Severity", config: cells(state{"critical", "critical", red}, state{"warning", "warning", orange}, state{"info", "for the record", blue})},
			column{label: "alertname", head: "Alert", config: []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{
				{"title": "Runbook", "url": runbooks + "#${__value.text}", "targetBlank": true},
			}}}},
			column{label: "model", head: "Model"},
			column{label: "instance", head: "Gateway"},
			column{expr: `count by (alertstate, severity, alertname, model, instance) (ALERTS)`, head: "How many"},
		).NoValue("no alert")},
	}
}

func requestsPanels() []panel {
	return []panel{
		{12, 8, byStatus(stacked("Requests a second, by status", "Every request that came to an end. 499: the client left before the answer began; 599: the answer broke off after it had begun.", each,
			query{"{{code}}", "sum by (code) (rate(model_request_duration_seconds_count{of}[rate]))"}))},
		{12, 8, lines("Time from arrival to the end, the model server's included", "Streams are long, and so is what this shows: it says more about answers than about the gateway.", seconds,
			query{"half", quantile("0.5", "model_request_duration_seconds", "{of}")},
			query{"95 %", quantile("0.95", "model_request_duration_seconds", "{of}")},
			query{"99 %", quantile("0.99", "model_request_duration_seconds", "{of}")})},
		{12, 7, stacked("Running requests, by model", "Over all gateways. Near max-concurrent-requests of a model, the next ones are denied with the meter concurrent_requests.", plain,
			query{"{{model}}", "sum by (model) (token_concurrent_requests{of})"})},
		{12, 7, lines("Requests a second, by gateway", "Whether the load balancer shares out evenly. A gateway at 0 takes no part.", each,
			query{"{{instance}}", "sum by (instance) (rate(model_request_duration_seconds_count{of}[rate]))"})},
	}
}

func addedPanels() []panel {
	return []panel{
		{8, 8, limited(lines("Added time", "Time in the gateway, the model server's taken out; the calls of Redis are a part of it.", seconds,
			query{"half", quantile("0.5", "gateway_overhead_seconds", "{at}")},
			query{"95 %", quantile("0.95", "gateway_overhead_seconds", "{at}")},
			query{"99 %", quantile("0.99", "gateway_overhead_seconds", "{at}")}), steps(green, step{0.05, red})).Links(runbook("LatencyBudgetBurnsFast"))},
		{8, 8, lines("Added time by gateway, 99th percentile", "One that is slower than the others is short of CPU, or far from Redis.", seconds,
			query{"{{instance}}", quantile("0.99", "gateway_overhead_seconds", "{at}", "instance")}).Links(runbook("LatencyBudgetBurnsFast"))},
		{8, 8, lines("Share of requests that waited here for longer", "Than 10 ms, and than 50 ms, over all that the gateways have taken.", share,
			query{"10 ms", overheadBeyond("0.01")}, query{"50 ms", overheadBeyond("0.05")})},
	}
}

// overheadBeyond returns the share of requests to which more than a time was added. The time is
// the bound of a bucket.
func overheadBeyond(bound string) string {
	return `1 - sum(rate(gateway_overhead_seconds_bucket{at, le="` + bound + `"}[rate])) / sum(rate(gateway_overhead_seconds_count{at}[rate]))`
}

// deciding are the states of a store and of a model in it.
var deciding = []state{{"0", "decides", green}, {"1", "does not", red}}

func redisPanels() []panel {
	return []panel{
		{8, 8, lines("Time of calls, 99th percentile", "By what the call does. The gateway waits for it before a request is sent on.", seconds,
			query{"{{operation}}", quantile("0.99", "rate_limit_store_duration_seconds", "{at}", "operation")}).Links(runbook("StoreSlow"))},
		{8, 8, lines("Calls a second", "By what they do.", each,
			query{"{{operation}}", "sum by (operation) (rate(rate_limit_store_duration_seconds_count{at}[rate]))"})},
		{8, 8, decidingPanel()},
	}
}

func decidingPanel() builder {
	return bands("Whether the store decides", "For each gateway, and for each model: a model that is refused is so by Redis, while others are served.", deciding,
		query{"{{instance}}", "rate_limit_degraded{at}"},
		query{"{{model}}", "max by (model) (rate_limit_model_refused{of})"}).Links(runbook("StoreDegraded"))
}

func databasePanels() []panel {
	return []panel{
		{12, 5, lines("Last heard", "How long ago each gateway has heard the control database: what has changed since is not known to it. Empty where there is none.", seconds,
			query{"{{instance}}", "control_database_staleness_seconds{at}"}).Links(runbook("ControlDatabaseAway")).NoValue("no control database")},
		{12, 5, lines("Keys of issuers", "How long ago each gateway has read the keys of an issuer of JWTs: later ones are not known to it. Empty where none are fetched.", seconds,
			query{"{{instance}} {{issuer}}", "time() - jwt_issuer_keys_timestamp_seconds{at}"}).Links(runbook("IssuerKeysOld")).NoValue("no keys are fetched")},
	}
}

func serverPanels() []panel {
	return []panel{
		{12, 7, endpointPanel()},
		{12, 7, breakerPanel()},
		{12, 8, lines("Time to the first token", "Of streams: from sending the request to the first event. It grows when the model server queues.", seconds,
			query{"{{model}} half", quantile("0.5", "model_time_to_first_token_seconds", "{of}", "model")},
			query{"{{model}} 95 %", quantile("0.95", "model_time_to_first_token_seconds", "{of}", "model")})},
		{12, 8, lines("Time between output tokens", "Of streams: the mean of each. It grows when the model server's batches do.", seconds,
			query{"{{model}} half", quantile("0.5", "model_time_per_output_token_seconds", "{of}", "model")},
			query{"{{model}} 95 %", quantile("0.95", "model_time_per_output_token_seconds", "{of}", "model")})},
	}
}

func endpointPanel() builder {
	return bands("Model servers that are well", "As the gateway that sees each one worst: it takes connections, says that it is well, and has the model.",
		[]state{{"1", "well", green}, {"0", "not well", red}},
		query{"{{model}} {{endpoint}}", "min by (model, endpoint) (model_endpoint_healthy{of})"}).Links(runbook("EndpointUnhealthy"))
}

func breakerPanel() builder {
	return bands("Breakers", "As the gateway where it is furthest open. Closed: requests go there; half-open: one a second tries it; open: none goes there.",
		[]state{{"0", "closed", green}, {"1", "half-open", orange}, {"2", "open", red}},
		query{"{{model}} {{endpoint}}", "max by (model, endpoint) (circuit_breaker_state{of})"}).Links(runbook("BreakerOpen"))
}

func processPanels() []panel {
	return []panel{
		{6, 7, lines("CPU", "Cores that each gateway uses.", plain, query{"{{instance}}", "rate(process_cpu_seconds_total{at}[rate])"})},
		{6, 7, lines("Memory", "Resident, of each gateway.", bytes, query{"{{instance}}", "process_resident_memory_bytes{at}"}).Links(runbook("MemoryShort"))},
		{6, 7, bufferedPanel()},
		{6, 7, descriptorPanel()},
	}
}

func bufferedPanel() builder {
	return limited(lines("Bytes that are held, of those that may be", "Request bodies and answers. When it is full, new requests are refused and the slowest clients are cut off.", share,
		query{"{{instance}}", "buffered_bytes{at} / buffered_bytes_max{at}"}).AxisSoftMax(1), steps(green, step{0.9, red})).Links(runbook("BuffersFull"))
}

func descriptorPanel() builder {
	return limited(lines("File descriptors, of those that may be open", "Each client and each model server's connection takes one.", share,
		query{"{{instance}}", "process_open_fds{at} / process_max_fds{at}"}).AxisSoftMax(1), steps(green, step{0.8, red})).Links(runbook("FileDescriptorsUsedUp"))
}
