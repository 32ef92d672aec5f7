package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

const goodHash = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// mistakes has a file and every line that Load says of it, without the file's
// name in front.
var mistakes = []struct {
	name string
	text string
	want []string
}{
	{"unknown key at the top", "sever: {}", []string{
		"1:1: sever: is not a known key; did you mean server?",
	}},
	{"unknown key below a quoted name", "token:\n  rate-limit:\n    models:\n      gpt-3.5-turbo:\n        max-token-per-minute: 5\nvllm: {services: {gpt-3.5-turbo: http://a}}", []string{
		`5:9: token.rate-limit.models["gpt-3.5-turbo"].max-token-per-minute: is not a known key; did you mean max-tokens-per-minute?`,
	}},
	{"a page where its origin is expected", "server: {cors: {origins: [https://a.b, 'https://a.b/page', 'https://*.b', 'HTTPS://a.b']}}", []string{
		`1:40: server.cors.origins[1]: "https://a.b/page" is not an origin; write scheme and host, and the port where it is not the usual one, in lower case and with nothing behind, such as https://chat.example.com`,
		`1:60: server.cors.origins[2]: "https://*.b" is not an origin; write scheme and host, and the port where it is not the usual one, in lower case and with nothing behind, such as https://chat.example.com`,
		`1:75: server.cors.origins[3]: "HTTPS://a.b" is not an origin; write scheme and host, and the port where it is not the usual one, in lower case and with nothing behind, such as https://chat.example.com`,
	}},
	{"not a network", "server: {trusted-proxies: [10.0.0.0/8, 10.0.0.0/33, proxy]}", []string{
		`1:40: server.trusted-proxies[1]: "10.0.0.0/33" is not a network; write an address or a network, such as 10.0.0.7 or 10.0.0.0/8`,
		`1:53: server.trusted-proxies[2]: "proxy" is not a network; write an address or a network, such as 10.0.0.7 or 10.0.0.0/8`,
	}},
	{"not an address for operations", "management: {address: '9090'}", []string{
		`1:23: management.address: "9090" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`,
	}},
	{"a map where text is expected", "server:\n  address: {host: a}", []string{
		"2:12: server.address: is a map where a single value is expected; write HOST:PORT behind the colon",
	}},
	{"text where a map is expected", "server: 8080", []string{
		"1:9: server: is a single value where a map is expected; write its keys in lines of their own, further to the right",
	}},
	{"text where a list is expected", "auth: {api-keys: secret}", []string{
		"1:18: auth.api-keys: is a single value where a list is expected; write [a, b], or a line with - for each",
	}},
	{"a list where a map is expected", "vllm:\n  services:\n    - a", []string{
		"3:5: vllm.services: is a list where a map is expected; write its keys in lines of their own, further to the right",
	}},
	{"a list of addresses in place of a service", "vllm:\n  services:\n    m: [http://a, http://b]\n    n:\n      - ftp://c", []string{
		"3:8: vllm.services.m: is a list where an address or the settings of a model are expected; write endpoints: before the list, as in endpoints: [http://a:8000, http://b:8000]",
		"5:7: vllm.services.n: is a list where an address or the settings of a model are expected; write endpoints: before the list, as in endpoints: [http://a:8000, http://b:8000]",
		`5:9: vllm.services.n[0]: "ftp://c" is not an http or https URL; write an address such as http://host:8000`,
	}},
	{"keys of several steps", "server.port: 80\nspring.data.redis.host: x\ntoken:\n  rate-limit.max-debt: 1\nspring: {data.redis.port: 1}", []string{
		`1:1: ["server.port"]: is not a known key; write its parts below each other, as in server: {port: ...}`,
		`2:1: ["spring.data.redis.host"]: is not a known key; write its parts below each other, as in spring: {data: {redis: {host: ...}}}`,
		`4:3: token["rate-limit.max-debt"]: is not a known key; write its parts below each other, as in rate-limit: {max-debt: ...}`,
		`5:10: spring["data.redis.port"]: is not used by the gateway; write its parts below each other, as in data: {redis: {port: ...}}`,
	}},
	{"settings of Spring", "server: {ssl: {enabled: true}, shutdown: graceful}\nmanagement: {server: {port: 1}, endpoints: {web: x}}\nspring: {redis: {host: h}, config: {import: x}}\nlogging: {level: {root: INFO}}", []string{
		"1:10: server.ssl: is not a known key; write tls: {certificate: FILE, key: FILE}",
		"1:32: server.shutdown: is not a known key; remove it: running requests always go on, for drain-timeout",
		"2:14: management.server: is not a known key; write management: {address: HOST:PORT}",
		"2:33: management.endpoints: is not a known key; remove it: `/actuator` tells what there is",
		"3:10: spring.redis: is not used by the gateway; write spring.data.redis, as Spring Boot 3 does",
		"3:28: spring.config: is not used by the gateway; remove it; what is for one profile belongs into application-PROFILE.yml",
		"4:18: logging.level: is a map where a single value is expected; write debug, info, warn or error behind the colon",
	}},
	{"no space behind the colon", "redis:\n  host:hunter2\n  port:1", []string{
		"2:3: redis: is a single value where a map is expected; write a space behind each colon",
	}},
	{"a map in a list of texts", "vllm: {services: {a: {endpoints: [{url: x}]}}}", []string{
		"1:35: vllm.services.a.endpoints[0]: is a map where a single value is expected; write the value behind the colon",
	}},
	{"no value", "server:\n  address:\n  idle-timeout: 1s", []string{
		"2:3: server.address: has no value; write HOST:PORT, or remove the key",
	}},
	{"port in the host", "redis: {host: 'redis:6379'}", []string{
		`1:15: redis.host: "redis:6379" is not a host; write a name or an IP address; the port has a key of its own`,
	}},
	{"a long address with credentials", "vllm: {services: {a: 'http://me:" + strings.Repeat("hunter2", 20) + "@h?key=hunter2'}}", []string{
		`1:22: vllm.services.a: "***@h?***" holds credentials; write the server's key as api-key`,
	}},
	{"whole addresses with credentials", "server: {address: 'me:hunter2@h', cors: {origins: ['https://me:hunter2@h']}, trusted-proxies: ['me:hunter2@h']}\n" +
		"management: {address: 'me:hunter2@h'}\nspring: {data: {redis: {host: 'redis://:hunt?er2@h:1'}}}", []string{
		`1:19: server.address: "***@h" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`,
		`1:52: server.cors.origins[0]: "***@h" is not an origin; write scheme and host, and the port where it is not the usual one, in lower case and with nothing behind, such as https://chat.example.com`,
		`1:96: server.trusted-proxies[0]: "***@h" is not a network; write an address or a network, such as 10.0.0.7 or 10.0.0.0/8`,
		`2:23: management.address: "***@h" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`,
		`3:31: spring.data.redis.host: "***" is not a host; write a name or an IP address; the port has a key of its own`,
	}},
	{"empty text", `redis: {host: ""}`, []string{
		`1:15: redis.host: "" is empty; write a name or an IP address`,
	}},
	{"not an address", "server: {address: localhost}", []string{
		`1:19: server.address: "localhost" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`,
	}},
	{"not a port", `server: {address: "a:99999"}`, []string{
		`1:19: server.address: "a:99999" is not an address; write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`,
	}},
	{"not a number", "server: {max-body-bytes: 10MB}", []string{
		`1:26: server.max-body-bytes: "10MB" is not a whole number; write a whole number from 1 to 1073741824`,
	}},
	{"less held than a body has", "server: {max-buffered-bytes: 20000000}", []string{
		"1:30: server.max-buffered-bytes: 20000000 is less than 1 MiB and 3 times server.max-body-bytes; write 31457280 or more, or lower server.max-body-bytes",
	}},
	{"next to nothing held", "server: {max-buffered-bytes: 5000, max-body-bytes: 1000}", []string{
		"1:30: server.max-buffered-bytes: 5000 is less than 1 MiB and 3 times server.max-body-bytes; write 1048576 or more, or lower server.max-body-bytes",
	}},
	{"a number that readers disagree about", "redis: {port: 06379}", []string{
		"1:15: redis.port: 06379 is not a whole number; write a whole number from 1 to 65535",
	}},
	{"number out of range", "redis: {port: 70000}", []string{
		"1:15: redis.port: 70000 is out of range; write a whole number from 1 to 65535",
	}},
	{"number beyond the machine's", "server: {max-body-bytes: 99999999999999999999}", []string{
		"1:26: server.max-body-bytes: 99999999999999999999 is out of range; write a whole number from 1 to 1073741824",
	}},
	{"not a boolean", "auth: {enabled: yes}", []string{
		`1:17: auth.enabled: "yes" is not a choice; write true or false`,
	}},
	{"duration without unit", "server: {body-timeout: 30}", []string{
		`1:24: server.body-timeout: "30" has no unit; write 30ms for milliseconds, or 30s for seconds`,
	}},
	{"not a duration", "server: {body-timeout: 1 day}", []string{
		`1:24: server.body-timeout: "1 day" is not a duration; write a duration such as 50ms, 30s, 5m or 1h30m`,
	}},
	{"duration too short", "redis: {timeout: 0s}", []string{
		`1:18: redis.timeout: "0s" is too short; write at least 1ms`,
	}},
	{"negative duration", "server: {drain-timeout: -1s}", []string{
		`1:25: server.drain-timeout: "-1s" is too short; write at least 0s`,
	}},
	{"not a choice", "logging: {level: warning}", []string{
		`1:18: logging.level: "warning" is not a choice; write debug, info, warn or error; did you mean warn?`,
	}},
	{"not a choice of one", "redis: {mode: loose}", []string{
		`1:15: redis.mode: "loose" is not a choice; write strict`,
	}},
	{"debt out of range", "token: {rate-limit: {max-debt: 101}}", []string{
		"1:32: token.rate-limit.max-debt: 101 is out of range; write a number from 0 to 100",
	}},
	{"debt not a number", "token: {rate-limit: {max-debt: NaN}}", []string{
		"1:32: token.rate-limit.max-debt: NaN is not a number; write a number from 0 to 100",
	}},
	{"negative maximum", "token: {rate-limit: {defaults: {max-tokens-per-minute: -1}}}", []string{
		"1:56: token.rate-limit.defaults.max-tokens-per-minute: -1 is negative; write 0 to block, or remove the key for no limit",
	}},
	{"maximum too large", "token: {rate-limit: {defaults: {max-tokens-per-minute: 2251799813685249}}}", []string{
		"1:56: token.rate-limit.defaults.max-tokens-per-minute: 2251799813685249 is out of range; write a whole number from 0 to 2251799813685248",
	}},
	{"limits without a service", "token:\n  rate-limit:\n    models:\n      llama-7b: {}\n      a/b.c: {}\nvllm: {services: {llama2-7b: http://a}}", []string{
		`4:7: token.rate-limit.models.llama-7b: has no service; add vllm.services.llama-7b: http://host:8000, or did you mean "llama2-7b"?`,
		`5:7: token.rate-limit.models["a/b.c"]: has no service; add vllm.services["a/b.c"]: http://host:8000`,
	}},
	{"service without an endpoint", "vllm:\n  services:\n    a: {served-as: x}\n    b:\n", []string{
		"3:5: vllm.services.a: has no endpoint; write endpoints: [http://host:8000]",
		"4:5: vllm.services.b: has no endpoint; write endpoints: [http://host:8000]",
	}},
	{"endpoint twice", "vllm: {services: {a: {endpoints: [http://a, http://b, http://a]}}}", []string{
		`1:22: vllm.services.a.endpoints: "http://a" is listed twice; list each address once`,
	}},
	{"endpoint in two spellings", "vllm: {services: {a: {endpoints: [http://a:80/v, HTTP://A/v/, 'https://b:443']}}}", []string{
		`1:22: vllm.services.a.endpoints: "http://a/v" is listed twice; list each address once`,
	}},
	{"one listener by two names", "server: {address: ':81'}\nmanagement: {address: ':81'}\nvllm: {services: {a: http://a}}", []string{
		`2:23: management.address: ":81" is server.address too; write another port, or remove it: operators then share the listener for clients`,
	}},
	{"one port for every interface and for one", "server: {address: '127.0.0.1:81'}\nmanagement: {address: ':81'}\nvllm: {services: {a: http://a}}", []string{
		`2:23: management.address: ":81" has the port of server.address (127.0.0.1:81), and one of the two is every interface; write another port, or remove it: operators then share the listener for clients`,
	}},
	{"limits shared both ways", "vllm: {services: {a: {endpoints: [http://a], share-limits-with: b}, b: {endpoints: [http://a], share-limits-with: a}}}", []string{
		`1:65: vllm.services.a.share-limits-with: "b" shares the limits of "a" itself; remove one of the two`,
		`1:115: vllm.services.b.share-limits-with: "a" shares the limits of "b" itself; remove one of the two`,
	}},
	{"breaker that never opens", "vllm: {services: {a: {endpoints: [http://a], breaker-failures: 11}}}", []string{
		"1:22: vllm.services.a.breaker-failures: 11 is more than breaker-outcomes (10) and would never be reached; write 0 for never",
	}},
	{"limits shared with nobody", "vllm: {services: {gpt-4: {endpoints: [http://a], share-limits-with: lama}, llama: http://a}}", []string{
		`1:69: vllm.services.gpt-4.share-limits-with: "lama" is not served; did you mean "llama"?`,
	}},
	{"limits shared with itself", "vllm: {services: {a: {endpoints: [http://a], share-limits-with: a}}}", []string{
		`1:65: vllm.services.a.share-limits-with: "a" is the model itself; remove it: a model has its own limits anyway`,
	}},
	{"limits shared on", "vllm: {services: {a: {endpoints: [http://a], share-limits-with: b}, b: {endpoints: [http://a], share-limits-with: c}, c: http://a}}", []string{
		`1:65: vllm.services.a.share-limits-with: "b" shares another's limits itself; write "c"`,
	}},
	{"limits shared and own", "vllm: {services: {a: {endpoints: [http://a], share-limits-with: b}, b: http://a}}\ntoken: {rate-limit: {models: {a: {max-tokens-per-day: 1}}}}", []string{
		`2:31: token.rate-limit.models.a: has limits of its own and shares those of "b"; remove one of the two`,
	}},
	{"no service", "server: {}", []string{
		" vllm.services: has no model; add vllm.services.NAME: http://host:8000",
	}},
	{"services without one", "vllm:\n  services: {}", []string{
		"2:13: vllm.services: has no model; add vllm.services.NAME: http://host:8000",
	}},
	{"model without a name", `vllm: {services: {"": http://a}}`, []string{
		`1:19: vllm.services[""]: is no name for a model: it is empty; write 1 to 256 bytes without control characters`,
	}},
	{"not a URL", "vllm: {services: {a: 'http://a b'}}", []string{
		`1:22: vllm.services.a: "http://a b" is not a URL; write an address such as http://host:8000`,
	}},
	{"another scheme", "vllm: {services: {a: ftp://a}}", []string{
		`1:22: vllm.services.a: "ftp://a" is not an http or https URL; write an address such as http://host:8000`,
	}},
	{"no scheme", "vllm: {services: {a: host:8000}}", []string{
		`1:22: vllm.services.a: "host:8000" is not a URL; write an address such as http://host:8000`,
	}},
	{"no host", "vllm: {services: {a: 'http://:8000'}}", []string{
		`1:22: vllm.services.a: "http://:8000" has no host; write an address such as http://host:8000`,
	}},
	{"a host beyond ASCII", "vllm: {services: {a: 'http://모델:8000'}}", []string{
		`1:22: vllm.services.a: "http://모델:8000" has a host that a request cannot carry; write the host in ASCII, as DNS has it (xn--...), and without a zone`,
	}},
	{"bad port", "vllm: {services: {a: 'http://h:0'}}", []string{
		`1:22: vllm.services.a: "http://h:0" has no valid port; write a port from 1 to 65535, or none`,
	}},
	{"credentials", "vllm: {services: {a: 'http://me:hunter2@h'}}", []string{
		`1:22: vllm.services.a: "***@h" holds credentials; write the server's key as api-key`,
	}},
	{"credentials and no URL", "vllm: {services: {a: '://me:hunter2@h'}}", []string{
		`1:22: vllm.services.a: "***@h" is not a URL; write an address such as http://host:8000`,
	}},
	{"query", "vllm: {services: {a: 'http://h/?x=1'}}", []string{
		`1:22: vllm.services.a: "http://h/?***" has a query or fragment; write scheme, host, port and path only`,
	}},
	{"version in the path", "vllm: {services: {a: 'http://h/v1/'}}", []string{
		`1:22: vllm.services.a: "http://h/v1/" ends in /v1; leave /v1 out: the gateway adds it to every path`,
	}},
	{"an endpoint's path", "vllm: {services: {a: 'http://h/base/v1/chat/completions'}}", []string{
		`1:22: vllm.services.a: "http://h/base/v1/chat/completions" ends in /v1/chat/completions; leave that out: the gateway adds the path of each request`,
	}},
	{"context of nothing", "vllm: {services: {a: {endpoints: [http://h], context-length: 0}}}", []string{
		"1:62: vllm.services.a.context-length: 0 is out of range; write a whole number from 1 to 2251799813685248",
	}},
	{"headers", "vllm: {services: {a: {endpoints: [http://h], forward-headers: ['X Y', authorization, X-Ok, Api-Key]}}}", []string{
		`1:64: vllm.services.a.forward-headers[0]: "X Y" is not the name of a header; write a name such as X-Tenant`,
		`1:71: vllm.services.a.forward-headers[1]: "authorization" is never passed on; remove it; credentials and headers of the connection stay here`,
		`1:92: vllm.services.a.forward-headers[3]: "Api-Key" is never passed on; remove it; credentials and headers of the connection stay here`,
	}},
	{"fields", "vllm: {services: {a: {endpoints: [http://h], allow-fields: [priority, '']}}}", []string{
		`1:71: vllm.services.a.allow-fields[1]: "" is not the name of a field; write the name of a member of request bodies, such as priority`,
	}},
	{"unknown fields", "vllm: {services: {a: {endpoints: [http://h], unknown-fields: pass}}}", []string{
		`1:62: vllm.services.a.unknown-fields: "pass" is not a choice; write drop or refuse`,
	}},
	{"empty API key", "auth:\n  api-keys:\n    - {}\n    - {name: a}\n    - {name: b, user: b}\n    - {name: c, user: b, hash: '" + goodHash + "', roles: []}", []string{
		"3:7: auth.api-keys[0]: has no name, user or hash; write name, user, hash and roles",
		"4:7: auth.api-keys[1]: has no user or hash; write name, user, hash and roles",
		"5:7: auth.api-keys[2]: has no hash; write name, user, hash and roles",
		"6:7: auth.api-keys[3]: has no roles; write name, user, hash and roles",
	}},
	{"API keys alike", "auth:\n  api-keys:\n    - {name: a, user: u, hash: '" + goodHash + "'}\n    - {name: a, user: v, hash: '" + goodHash + "'}", []string{
		"4:7: auth.api-keys[1]: has the name of auth.api-keys[0]; give each key its own",
		"4:7: auth.api-keys[1]: has the hash of auth.api-keys[0]; give each key its own",
	}},
	{"a key in place of its hash", "auth:\n  api-keys:\n    - {name: a, user: u, hash: sk-hunter2}", []string{
		"3:32: auth.api-keys[0].hash: *** is not the hash of a key; write what `token-rate-limiter key hash` prints: sha256: and 64 hexadecimal digits in lower case",
	}},
	{"user too long, role unknown", "auth:\n  api-keys:\n    - {name: a, hash: '" + goodHash + "', roles: [Root], user: " + strings.Repeat("u", 257) + "}", []string{
		`3:106: auth.api-keys[0].roles[0]: "Root" is no role: a role has a name of at most 64 small letters, digits and hyphens, and begins with a letter; write user, viewer, tenant-admin or admin, or the name of a custom one`,
		`3:119: auth.api-keys[0].user: "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu..." has 257 bytes; write at most 256`,
	}},
	{"what a key may use", "auth:\n  api-keys:\n    - {name: a, user: u, hash: '" + goodHash + "', models: [a, '', 'b*'], endpoints: [chat, score]}\n    - {name: b, user: u, hash: '" + strings.Replace(goodHash, "0", "1", 1) + "', models: [" + strings.Repeat("a,", 100) + "a]}", []string{
		`3:119: auth.api-keys[0].models[1]: "" names no model: it is empty; write the public name of a model, a pattern such as llama2-*, or *`,
		`3:142: auth.api-keys[0].endpoints[0]: "chat" is not a choice; write chat_completions, completions, embeddings, responses, messages, count_tokens, rerank, score, pooling, classify, tokenize or detokenize; did you mean chat_completions?`,
		`4:115: auth.api-keys[1].models: has 101 names, more than 100; write patterns such as llama2-*`,
	}},
	{"a secret with a newline", "redis: {password: \"hunter2\\n\"}", []string{
		"1:19: redis.password: *** holds a control character; remove it; a newline may come from the end of a secret's file",
	}},
	{"store without its section", "token: {rate-limit: {store: redis}}", []string{
		`1:29: token.rate-limit.store: "redis" has no section redis; add redis: with host and port, or write memory`,
	}},
	{"half a certificate", "redis:\n  tls: {certificate: a}", []string{
		"2:8: redis.tls: has one of certificate and key; write both or none",
	}},
	{"a key in place of its file", "server:\n  tls:\n    certificate: a.pem\n    key: |\n      -----BEGIN PRIVATE KEY-----\n      hunter2\n      -----END PRIVATE KEY-----", []string{
		"4:10: server.tls.key: *** is what a file holds; write it into a file, and here the name of that file",
	}},
	{"a key without its frame in place of its file", "server: {tls: {certificate: a.pem, key: MHcCAQEEICSL5kZAkM9P9tmN8BbFxfZ96zJT+TcTPNxN7wZA9vEuoAoGCCqGSM49}}", []string{
		"1:41: server.tls.key: *** is what a file holds; write it into a file, and here the name of that file",
	}},
	{"a whole file in base64 in place of its name", "server: {tls: {certificate: a.pem, key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCmh1bnRlcjIK}}", []string{
		"1:41: server.tls.key: *** is what a file holds; write it into a file, and here the name of that file",
	}},
	{"a certificate without its key", "server:\n  tls: {certificate: a.pem}", []string{
		"2:8: server.tls: has one of certificate and key; write both or none",
	}},
	{"a value from a variable", "redis: {port: '${A:x}${B:y}', password: \"${C:hunter2}\\n\"}", []string{
		`1:15: redis.port: "xy" (from ${A}, ${B}) is not a whole number; write a whole number from 1 to 65535`,
		"1:41: redis.password: *** (from ${C}) holds a control character; remove it; a newline may come from the end of a secret's file",
	}},
	{"API keys of which one is wrong in another way too", "auth:\n  api-keys:\n    - {name: a, user: u, hash: '" + goodHash + "'}\n    - {name: a, user: v, hash: x, roles: [root]}", []string{
		"4:7: auth.api-keys[1]: has the name of auth.api-keys[0]; give each key its own",
		"4:32: auth.api-keys[1].hash: *** is not the hash of a key; write what `token-rate-limiter key hash` prints: sha256: and 64 hexadecimal digits in lower case",
		`4:43: auth.api-keys[1].roles[0]: "root" is no role, and custom ones are kept in a control database, which there is not; write user, viewer, tenant-admin or admin, or set database.url or server.data-directory`,
	}},
	{"a wrong address hides nothing", "token: {rate-limit: {models: {c: {}}}}\nvllm: {services: {a: ftp://a, b: {endpoints: [http://b, http://b, x], share-limits-with: d, breaker-failures: 20}}}", []string{
		`1:31: token.rate-limit.models.c: has no service; add vllm.services.c: http://host:8000`,
		`2:22: vllm.services.a: "ftp://a" is not an http or https URL; write an address such as http://host:8000`,
		`2:34: vllm.services.b.endpoints: "http://b" is listed twice; list each address once`,
		`2:34: vllm.services.b.breaker-failures: 20 is more than breaker-outcomes (10) and would never be reached; write 0 for never`,
		`2:67: vllm.services.b.endpoints[2]: "x" is not an http or https URL; write an address such as http://host:8000`,
		`2:90: vllm.services.b.share-limits-with: "d" is not served; write the public name of a served model`,
	}},
	{"a key twice hides nothing", "server: {port: 1, port: 2, adress: x}\nvllm: {services: {a: http://a, a: x}}\nlogging: {level: !!str loud}", []string{
		`1:19: the key "port" is already given in line 1; keep one of the two`,
		`1:28: server.adress: is not a known key; did you mean address?`,
		`2:32: the key "a" is already given in line 2; keep one of the two`,
		`3:18: tags are not used here; remove "!!str", or put a text that begins with ! in quotes`,
		`3:23: logging.level: "loud" is not a choice; write debug, info, warn or error`,
	}},
	{"no service, and another mistake", "logging: {level: loud}", []string{
		" vllm.services: has no model; add vllm.services.NAME: http://host:8000",
		`1:18: logging.level: "loud" is not a choice; write debug, info, warn or error`,
	}},
	{"all together", "server: {idle-timeout: x}\nredis: {prot: 1}\nlogging: {level: loud}\nauth: {enabled: 1}", []string{
		`1:24: server.idle-timeout: "x" is not a duration; write a duration such as 50ms, 30s, 5m or 1h30m`,
		"2:9: redis.prot: is not a known key; did you mean port?",
		`3:18: logging.level: "loud" is not a choice; write debug, info, warn or error`,
		`4:17: auth.enabled: "1" is not a choice; write true or false`,
	}},
}

func TestMistakes(t *testing.T) {
	for _, x := range mistakes {
		t.Run(x.name, func(t *testing.T) {
			err := mistakesOf(x.text)
			if strings.HasPrefix(x.name, "no service") {
				_, err = folder{"application.yml": x.text}.load("", nil)
			}
			var want []string
			for _, line := range x.want {
				want = append(want, "conf/application.yml:"+line)
			}
			wantErrors(t, err, want...)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message shows a secret: %v", err)
			}
		})
	}
}

func TestErrorsUnwrap(t *testing.T) {
	err := mistakesOf("server: {port: x}\nredis: 5")
	var first *binding.Error
	if !errors.As(err, &first) {
		t.Fatalf("%v holds no *Error", err)
	}
	want := binding.Error{
		File: "conf/application.yml", Line: 1, Column: 16, Path: "server.port", Value: `"x"`,
		Problem: "is not a whole number", Remedy: "write a whole number from 0 to 65535",
	}
	if *first != want {
		t.Errorf("first mistake: %+v, want %+v", *first, want)
	}
	if n := strings.Count(err.Error(), "\n"); n != 1 {
		t.Errorf("two mistakes take %d lines", n+1)
	}
}

func TestReportIsBounded(t *testing.T) {
	const mistakes = 100
	_, err := folder{"application.yml": "server:\n" + strings.Repeat("  - x\n", 3) + "auth:\n  api-keys: [" + strings.Repeat("1,", 10_000) + "1]\n"}.load("", nil)
	var list binding.Errors
	if errors.As(err, &list); len(list) != mistakes {
		t.Errorf("%d mistakes, want %d", len(list), mistakes)
	}
	if !strings.HasSuffix(err.Error(), "\nthere may be more: 100 mistakes are told at once") {
		t.Errorf("that there are more is not told: %.300s", err)
	}
}
