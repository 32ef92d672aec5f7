package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
)

// standInConfig is what a stand-in gateway reads of an application.yml.
type standInConfig struct {
	Server struct {
		Address string `yaml:"address"`
	} `yaml:"server"`
	VLLM struct {
		Services map[string]string `yaml:"services"`
	} `yaml:"vllm"`
}

// serveStandIn behaves, as far as the probes can see, like the gateway: it
// names a limit, asks for usage on streams and strips it. arguments are those
// of the serve command.
func serveStandIn(arguments []string) {
	text, err := os.ReadFile(filepath.Join(arguments[1], "application.yml"))
	if err != nil {
		log.Fatal(err)
	}
	var config standInConfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		log.Fatal(err)
	}
	upstream, err := url.Parse(config.VLLM.Services[modelName])
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /actuator/health/readiness", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /actuator/prometheus", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines %d\n", runtime.NumGoroutine())
	})
	if bytes.Contains(text, []byte(profiling)) {
		mux.HandleFunc("GET /debug/pprof/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) })
	}
	mux.Handle("POST "+chatPath, standInHandler(upstream))
	server := http.Server{Addr: config.Server.Address, Handler: mux, ReadHeaderTimeout: time.Second}
	log.Fatal(server.ListenAndServe())
}

func standInHandler(upstream *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			body, _ := io.ReadAll(r.In.Body)
			body = bytes.Replace(body, []byte(`"stream":true`),
				[]byte(`"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`), 1)
			r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Out.Header.Set("Content-Length", strconv.Itoa(len(body)))
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("x-ratelimit-limit-tokens", "1")
			if r.ContentLength < 0 {
				r.Body = &stripper{ReadCloser: r.Body}
			}
			return nil
		},
	}
}

// stripper removes usage; it relies on the upstream's one event per chunk,
// which a read returns at most one of.
type stripper struct{ io.ReadCloser }

var (
	usageMember = regexp.MustCompile(`,"usage":\{[^}]*\}`)
	usageEvent  = regexp.MustCompile(`data: [^\n]*"choices":\[\]\}\n\n`)
)

func (s *stripper) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	out := usageEvent.ReplaceAll(usageMember.ReplaceAll(p[:n], nil), nil)
	return copy(p, out), err
}
