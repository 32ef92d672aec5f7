package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpringAliases(t *testing.T) {
	want := defaultRedis()
	want.Host, want.Port, want.Database = "h", 7, 3
	want.Username, want.Password, want.Timeout = "u", "p", 2*time.Second
	want.TLS.Enabled = true
	for name, text := range map[string]string{
		"all":       "spring: {data: {redis: {host: h, port: 7, database: 3, username: u, password: p, timeout: 2s, ssl: true}}}",
		"boot 3":    "spring: {data: {redis: {host: h, port: 7, database: 3, username: u, password: p, timeout: 2000, ssl: {enabled: true}}}}",
		"mixed":     "spring: {data: {redis: {host: h, port: 7, ssl: true}}}\nredis: {database: 3, username: u, password: p, timeout: 2s}",
		"agreeing":  "spring: {data: {redis: {host: h, port: 7, ssl: true}}}\nredis: {host: h, port: 7, database: 3, username: u, password: p, timeout: 2s}",
		"over none": "spring: {data: {redis: {host: h, port: 7, ssl: true}}}\nredis: {host: null, database: 3, username: u, password: p, timeout: 2s, tls: }",
	} {
		if diff := cmp.Diff(want, load(t, text, nil).Redis); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestServerPort(t *testing.T) {
	for text, want := range map[string]string{
		"server: {port: 9090}":                             ":9090",
		"server: {port: 9090, address: null}":              ":9090",
		"server: {port: 9090, address: 10.0.0.1}":          "10.0.0.1:9090",
		"server: {port: 9090, address: '::1'}":             "[::1]:9090",
		"server: {port: 9090, address: '127.0.0.1:9090'}":  "127.0.0.1:9090",
		"server: {port: null, address: '127.0.0.1:9091'}":  "127.0.0.1:9091",
		"server: {port: '${P:0}'}":                         ":0",
		"spring: {data: }\nserver: {port: 1}":              ":1",
		"spring:\nserver: {address: 'localhost:2'}":        "localhost:2",
		"spring: {profiles: {active: null}}\nserver: null": ":8080",
	} {
		if got := load(t, text, nil).Server.Address; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestSpringMistakes(t *testing.T) {
	const used = "is not used by the gateway; remove it; of spring.* only data.redis (host, port, username, password, database, timeout, ssl) and profiles.active are read"
	for text, want := range map[string][]string{
		"spring:\n  application:\n    name: x":                   {"2:3: spring.application: " + used},
		"spring:\n  data:\n    redis:\n      lettuce: {pool: 1}": {"4:7: spring.data.redis.lettuce: " + used},
		"spring: {data: {redis: {ssl: {bundle: b}}}}":            {"1:31: spring.data.redis.ssl.bundle: " + used},
		"spring: {data: a, redis: {host: b}}":                    {"1:10: spring.data: " + used, "1:19: spring.redis: is not used by the gateway; write spring.data.redis, as Spring Boot 3 does"},
		"spring: [a]":                                            {"1:9: spring: is a list where a map is expected; write its keys in lines of their own, further to the right"},
		"spring:\n  data: {redis: {host: a}}\nredis:\n  host: b": {"2:18: spring.data.redis.host: differs from redis.host in conf/application.yml:4:3; keep one of the two"},
		"spring: {data: {redis: {port: 70000}}}":                 {"1:31: spring.data.redis.port: 70000 is out of range; write a whole number from 1 to 65535"},
		"spring: {data: {redis: {host: }}}":                      {"1:25: spring.data.redis.host: has no value; write a name or an IP address, or remove the key"},
		"spring: {data: {redis: {host: a}}}\nredis: 5":           {"2:8: redis: is a single value where a map is expected; write its keys in lines of their own, further to the right"},
		"server: {port: 1, address: ':2'}":                       {"1:10: server.port: 1 differs from the port of server.address in conf/application.yml:1:19; keep one of the two"},
		"server: {port: http}":                                   {`1:16: server.port: "http" is not a whole number; write a whole number from 0 to 65535`},
		"server: {port: 1, address: [a]}":                        {"1:28: server.address: is a list where a single value is expected; write HOST:PORT behind the colon"},
		"server: {port: 1, address: a b}":                        {`1:28: server.address: "a b:1" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`},
	} {
		err := mistakesOf(text)
		for i := range want {
			want[i] = "conf/application.yml:" + want[i]
		}
		wantErrors(t, err, want...)
	}
}
