package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProperties(t *testing.T) {
	c := load(t, read(t, "vocabulary.yml"), variables{"VLLM_API_KEY": "s3cret"})
	got := c.Properties()
	for key, want := range map[string]any{
		"server.max-body-bytes": int64(10_485_760), "management.pprof": true, "token.rate-limit.max-debt": 1.0,
		"token.rate-limit.models.NAME.total.max-tokens-per-minute": int64(100_000),
		"vllm.services.NAME2.endpoints[0]":                         "https://b:8443/base", "vllm.services.NAME2.api-key": "***",
		"vllm.services.NAME2.connect-timeout": "3s", "auth.api-keys[0].roles[1]": "admin", "auth.api-keys[0].hash": "***", "auth.api-keys[0].act-as": true, "auth.api-keys[0].models[1]": "llama2-*",
		"server.cors.origins[1]": "*", "vllm.services.NAME2.share-limits-with": "",
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}

	c = load(t, "vllm: {services: {gpt-3.5-turbo: {endpoints: [http://h], served-as: '$${A} \"1\"'}, '7': http://h}}\nspring: {data: {redis: {password: hunter2}}}\ntoken: {rate-limit: {max-debt: 0.5}}", nil)
	got = c.Properties()
	for key, want := range map[string]any{
		"vllm.services.gpt-3.5-turbo.served-as": `${A} "1"`, "vllm.services.7.served-as": "7", "redis.password": "***", "token.rate-limit.max-debt": 0.5,
		"server.trusted-proxies": "",
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if profiles := c.Profiles(); profiles == nil || len(profiles) != 0 {
		t.Errorf("profiles %v", profiles)
	}
}
