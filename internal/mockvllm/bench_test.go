package mockvllm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func BenchmarkChat(b *testing.B) {
	benchmark(b, `{"model":"m","messages":[{"role":"user","content":"Say hello, please."}],"max_tokens":16}`)
}

// BenchmarkEvent measures a stream, per event.
func BenchmarkEvent(b *testing.B) {
	const tokens = 1000
	benchmark(b, fmt.Sprintf(`{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true,`+
		`"continuous_usage_stats":true},"mock":{"output_tokens":%d}}`, tokens))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tokens, "ns/event")
}

func benchmark(b *testing.B, body string) {
	s := New(Options{Models: []Model{{Name: "m"}}, Ledger: &Ledger{Keep: 100}})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		s.ServeHTTP(&discard{header: make(http.Header)}, r)
	}
}

// discard is a ResponseWriter to nowhere.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) Flush()                      {}
