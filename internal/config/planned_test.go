package config

import (
	"slices"
	"strings"
	"testing"
)

// refused has, for every line of plannedSettings, a value that is refused and the
// mistake's place.
var refused = map[string]struct{ text, want string }{
	"redis.addresses":                            {"redis: {addresses: [a:6379]}", "1:9: redis.addresses: "},
	"redis.cluster":                              {"redis: {cluster: true}", "1:9: redis.cluster: "},
	"redis.sentinel":                             {"redis: {sentinel: {master: m}}", "1:9: redis.sentinel: "},
	"redis.mode":                                 {"redis: {mode: lease}", `1:15: redis.mode: "lease" `},
	"spring.data.redis.cluster":                  {"spring: {data: {redis: {cluster: {nodes: a}}}}", "1:25: spring.data.redis.cluster: "},
	"spring.data.redis.sentinel":                 {"spring: {data: {redis: {sentinel: {nodes: a}}}}", "1:25: spring.data.redis.sentinel: "},
	"token.rate-limit.on-store-failure":          {"token: {rate-limit: {on-store-failure: local}}", `1:40: token.rate-limit.on-store-failure: "local" `},
	"token.rate-limit.outage-reserve":            {"token: {rate-limit: {outage-reserve: 0.1}}", "1:22: token.rate-limit.outage-reserve: "},
	"token.rate-limit.users":                     {"token: {rate-limit: {users: {bob: {max-tokens-per-day: 0}}}}", "1:22: token.rate-limit.users: "},
	"token.rate-limit.defaults.on-store-failure": {"token: {rate-limit: {defaults: {on-store-failure: open}}}", `1:51: token.rate-limit.defaults.on-store-failure: "open" `},
	"token.rate-limit.defaults.outage-reserve":   {"token: {rate-limit: {defaults: {outage-reserve: 1}}}", "1:33: token.rate-limit.defaults.outage-reserve: "},
	"token.rate-limit.models.*.on-store-failure": {"token: {rate-limit: {models: {a.b: {on-store-failure: local}}}}\nvllm: {services: {a.b: http://h}}", `1:55: token.rate-limit.models["a.b"].on-store-failure: "local" `},
	"token.rate-limit.models.*.outage-reserve":   {"token: {rate-limit: {models: {m: {outage-reserve: x}}}}\nvllm: {services: {m: http://h}}", "1:35: token.rate-limit.models.m.outage-reserve: "},
}

func TestWhatIsNotInThisVersionIsRefused(t *testing.T) {
	for _, l := range plannedSettings {
		t.Run(l.path, func(t *testing.T) {
			x, ok := refused[l.path]
			if !ok {
				t.Fatal("no case for this line of the table")
			}
			err := mistakesOf(x.text)
			wantErrors(t, err, "conf/application.yml:"+x.want+"is not in this version; "+l.instead)
		})
	}
	if len(refused) != len(plannedSettings) {
		t.Errorf("%d cases for %d lines of the table", len(refused), len(plannedSettings))
	}
}

// A value in words that are refused must be told apart from one that is wrong.
func TestRefusedValuesAreNoChoices(t *testing.T) {
	for _, l := range plannedSettings {
		for _, v := range l.values {
			text := refused[l.path].text
			i := slices.IndexFunc(l.values, func(w string) bool { return strings.Contains(text, w) })
			err := mistakesOf(strings.Replace(text, l.values[i], v, 1))
			if err == nil || !strings.Contains(err.Error(), "not in this version") {
				t.Errorf("%s: %s: %v", l.path, v, err)
			}
		}
	}
}

func TestEmptyValuesAreAcceptedBeforeTheirTime(t *testing.T) {
	for _, text := range []string{
		"server: {tls: {certificate: '', key: ''}, cors: {origins: []}, trusted-proxies: []}",
		"management: {address: '', pprof: false}",
		"redis: {addresses: [], cluster: false, sentinel: {}, mode: strict}",
		"redis: {cluster: '${CLUSTER:false}', sentinel: , addresses: null}",
		"token: {rate-limit: {users: {}, outage-reserve: 0.0, on-store-failure: closed}}",
		"vllm: {services: {m: {endpoints: [http://a], share-limits-with: ''}}}",
		"auth: {jwt: {issuers: []}}",
	} {
		load(t, text, nil)
	}
}
