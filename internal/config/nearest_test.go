package config

import (
	"strings"
	"testing"
)

// suggestions has what people write, and what they are told to write instead.
var suggestions = []struct{ text, want string }{
	{"sever: {}", "1:1: sever: is not a known key; did you mean server?"},
	{"redis: {prot: 1}", "1:9: redis.prot: is not a known key; did you mean port?"},
	{"redis: {user: me}", "1:9: redis.user: is not a known key; did you mean username?"},
	{"server: {tls: {cert: a}}", "1:16: server.tls.cert: is not a known key; did you mean certificate?"},
	{"token: {rate-limit: {models: {a-model: {maxTokensPerMinute: 1}}}}", "1:41: token.rate-limit.models.a-model.maxTokensPerMinute: is not a known key; did you mean max-tokens-per-minute?"},

	{"models: {}", "1:1: models: is not a known key; remove it, or write server, management, redis, database, token, vllm, auth or logging"},
	{"redis: {pool: 8}", "1:9: redis.pool: is not a known key; remove it, or write host, port, database, username, password, timeout, mode or tls"},
	{"logging: {file: a.log}", "1:11: logging.file: is not a known key; remove it, or write level, format or hash-users"},
	{"server: {tls: {c: a}}", "1:16: server.tls.c: is not a known key; remove it, or write certificate or key"},
	{"server: {max: 1}", "1:10: server.max: is not a known key; remove it, or write address, data-directory, max-body-bytes, max-buffered-bytes, max-header-bytes, read-header-timeout, body-timeout, idle-timeout, drain-delay, drain-timeout, plain-http, tls, cors or trusted-proxies"},

	{"auth: {api-keys: [{name: a, user: u, key: hunter2}]}", "1:38: auth.api-keys[0].key: is not a known key; write hash: with what `token-rate-limiter key hash` prints for the key; the key itself does not belong here"},
	{"server: {host: 0.0.0.0}", "1:10: server.host: is not a known key; write address: HOST:PORT"},
	{"redis: {url: 'redis://:hunter2@h'}", "1:9: redis.url: is not a known key; write host, port, username, password, database and tls.enabled, as far as the address has them"},
	{"redis: {ssl: true}", "1:9: redis.ssl: is not a known key; write tls: {enabled: true}"},
	{"vllm: {services: {a: {endpoints: [http://a], model: b}}}", "1:46: vllm.services.a.model: is not a known key; write served-as"},

	{"logging: {level: verbose}", `1:18: logging.level: "verbose" is not a choice; write debug, info, warn or error`},
	{"logging: {level: INFO}", `1:18: logging.level: "INFO" is not a choice; write debug, info, warn or error; did you mean info?`},
	{"logging: {level: warning}", `1:18: logging.level: "warning" is not a choice; write debug, info, warn or error; did you mean warn?`},
	{"logging: {format: logfmt}", `1:19: logging.format: "logfmt" is not a choice; write json or text`},
	{"token: {rate-limit: {store: memroy}}", `1:29: token.rate-limit.store: "memroy" is not a choice; write auto, memory or redis; did you mean memory?`},

	{"redis: {timeout: 50}", `1:18: redis.timeout: "50" has no unit; write 50ms for milliseconds, or 50s for seconds`},
	{"server: {body-timeout: 0.5}", `1:24: server.body-timeout: "0.5" has no unit; write 0.5ms for milliseconds, or 0.5s for seconds`},
	{"redis: {timeout: 50 ms}", `1:18: redis.timeout: "50 ms" is not a duration; write a duration such as 50ms, 30s, 5m or 1h30m`},

	{"vllm: {services: {gpt-4: {endpoints: [http://a], share-limits-with: qwen}, llama: http://a}}", `1:69: vllm.services.gpt-4.share-limits-with: "qwen" is not served; write the public name of a served model`},
}

func TestSuggestions(t *testing.T) {
	for _, x := range suggestions {
		_, err := folder{"application.yml": x.text + aModelBeside(x.text)}.load("", nil)
		wantErrors(t, err, "conf/application.yml:"+x.want)
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the message shows a secret: %v", x.text, err)
		}
	}
}

// aModelBeside is aModel, where a text has none.
func aModelBeside(text string) string {
	if strings.Contains(text, "vllm:") {
		return ""
	}
	return aModel
}
