package main

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestRenderConfig(t *testing.T) {
	for _, c := range []struct {
		name  string
		redis *Child
		store string
		keys  any
	}{
		{"memory", nil, "memory", nil},
		{"redis", &Child{Address: "127.0.0.1:7000"}, "redis", map[string]any{"host": "127.0.0.1", "port": uint64(7000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := renderConfig("127.0.0.1:8000", "127.0.0.1:9000", c.redis)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			want := map[string]any{"server": map[string]any{"address": "127.0.0.1:8000", "drain-timeout": "1s"}}
			if diff := cmp.Diff(want["server"], got["server"]); diff != "" {
				t.Errorf("server (-want +got):\n%s", diff)
			}
			limits := got["token"].(map[string]any)["rate-limit"].(map[string]any)
			if limits["store"] != c.store || limits["models"].(map[string]any)[modelName] == nil {
				t.Errorf("limits %v", limits)
			}
			services := map[string]any{"services": map[string]any{modelName: "http://127.0.0.1:9000"}}
			if diff := cmp.Diff(any(services), got["vllm"]); diff != "" {
				t.Errorf("vllm (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.keys, got["redis"]); diff != "" {
				t.Errorf("redis (-want +got):\n%s", diff)
			}
		})
	}
}
