package config

import (
	"strings"
	"testing"
)

func TestVariablesAreTypedByTheSchema(t *testing.T) {
	c := load(t, `
server: {idle-timeout: "${IDLE:3s}"}
redis:
  port: ${PORT:6379}
  host: "${HOST}"
  password: ${PASSWORD}
auth:
  enabled: ${AUTH:true}
`, variables{"PORT": "7", "HOST": "12", "AUTH": "false", "PASSWORD": "a: {b"})
	got := []any{c.Redis.Port, c.Redis.Host, c.Auth.Enabled, c.Redis.Password, c.Server.IdleTimeout.String()}
	for i, want := range []any{int64(7), "12", false, "a: {b", "3s"} {
		if got[i] != want {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestVariableMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"redis: {host: '${HOST}'}":         "1:15: redis.host: the environment variable HOST is not set; set it, or write ${HOST:default}",
		"redis:\n  host: ${HOST":           "2:9: redis.host: has ${ without }; write ${NAME} or ${NAME:default}, and $${ for the characters ${ themselves",
		"redis:\n  host: ${server.host:a}": `2:9: redis.host: "server.host" is not the name of an environment variable; write ${NAME} or ${NAME:default}`,
		"redis:\n  host: ${A:${B:c}}":      "2:9: redis.host: the default of A holds a variable itself; write a plain default",
		"redis:\n  host: ${BINARY}":        "2:9: redis.host: the environment variable BINARY is not UTF-8; set it to text",
		"redis:\n  host: ${LONG}":          "2:9: redis.host: has 65537 bytes after filling in variables; at most 65536 are possible",
		"redis: {port: '${LINK}'}":         `1:15: redis.port: "tcp://10.0.0.1:6379" (from ${LINK}) is not a whole number; Kubernetes sets this variable for a Service of that name: take another variable, or set enableServiceLinks: false for the pod`,
		"'${A}': 1":                        "1:1: variables are not filled into keys; write the name itself",
		"vllm: {services: {m: {forward-headers: ['${H}'], endpoints: [http://h]}}}": "1:41: vllm.services.m.forward-headers[0]: the environment variable H is not set; set it, or write ${H:default}",
		"vllm: {services: {m: '${URL}'}}":                                           "1:22: vllm.services.m: the environment variable URL is not set; set it, or write ${URL:default}",
	} {
		err := mistakesIn(text, variables{"LINK": "tcp://10.0.0.1:6379", "BINARY": "\xff", "LONG": strings.Repeat("x", 64<<10+1)})
		wantErrors(t, err, "conf/application.yml:"+want)
	}
}

// A variable may matter in one profile only.
func TestReplacedVariablesAreNotMissed(t *testing.T) {
	_, err := folder{
		"application.yml":     "redis: {host: '${HOST}'}" + aModel,
		"application-dev.yml": "redis: {host: here}",
	}.load("dev", nil)
	if err != nil {
		t.Error(err)
	}
}
