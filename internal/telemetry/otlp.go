package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// sender sends spans to a collector by OTLP over HTTP, in protobuf
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp). It is the client of
// otlptrace's exporter. The one that comes with it links gRPC, whose code alone
// keeps two megabytes resident in a gateway without traces.
type sender struct {
	endpoint string
	header   http.Header
	timeout  time.Duration // of one attempt
	compress bool
	client   *http.Client
}

const (
	defaultEndpoint = "http://localhost:4318"
	tracesPath      = "/v1/traces"
	defaultTimeout  = 10 * time.Second
)

// newSender reads the variables OTEL_EXPORTER_OTLP_..., of which those with
// TRACES_ come first
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
func newSender(env func(string) string) (*sender, error) {
	v := exporterVariables{env: env}
	s := &sender{
		endpoint: v.endpoint(), header: v.header(), timeout: v.timeout(), compress: v.compresses(),
		client: &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: v.tls(), MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		}},
	}
	if v.err != nil {
		return nil, v.err
	}
	return s, nil
}

// exporterVariables reads variables; err is the first mistake.
type exporterVariables struct {
	env func(string) string
	err error
}

// get returns the variable of the exporter and its whole name.
func (v *exporterVariables) get(name string) (value, variable string) {
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
		if value := strings.TrimSpace(v.env(prefix + name)); value != "" {
			return value, prefix + name
		}
	}
	return "", "OTEL_EXPORTER_OTLP_" + name
}

func (v *exporterVariables) wrong(variable, problem string) {
	if v.err == nil {
		v.err = fmt.Errorf("%s %s", variable, problem)
	}
}

// endpoint returns where to send to: what is for traces as it is, the other with
// the path of traces.
func (v *exporterVariables) endpoint() string {
	value, variable := v.get("ENDPOINT")
	if value == "" {
		return defaultEndpoint + tracesPath
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		v.wrong(variable, "is no http or https URL; set it to one such as "+defaultEndpoint)
		return ""
	}
	if !strings.Contains(variable, "TRACES") {
		u = u.JoinPath(tracesPath)
	}
	return u.String()
}

// header returns the fields that every request has: name=value, with commas
// between, percent-encoded.
func (v *exporterVariables) header() http.Header {
	h := http.Header{"Content-Type": {"application/x-protobuf"}}
	value, variable := v.get("HEADERS")
	if value == "" {
		return h
	}
	for pair := range strings.SplitSeq(value, ",") {
		name, value, ok := strings.Cut(pair, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil || strings.ContainsAny(plain, "\r\n") {
			v.wrong(variable, "is no list like name=value,name=value; its values are percent-encoded")
			continue
		}
		h.Set(name, plain)
	}
	return h
}

func (v *exporterVariables) timeout() time.Duration {
	value, variable := v.get("TIMEOUT")
	if value == "" {
		return defaultTimeout
	}
	ms, err := strconv.Atoi(value)
	if err != nil || ms <= 0 {
		v.wrong(variable, fmt.Sprintf("is %q; set it to a number of milliseconds", value))
	}
	return time.Duration(ms) * time.Millisecond
}

func (v *exporterVariables) compresses() bool {
	value, variable := v.get("COMPRESSION")
	if value != "" && value != "gzip" && value != "none" {
		v.wrong(variable, fmt.Sprintf("is %q; set it to gzip or none", value))
	}
	return value == "gzip"
}

func (v *exporterVariables) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if file, variable := v.get("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file) // #nosec G304 -- the file that the operator names
		c.RootCAs = x509.NewCertPool()
		if err != nil {
			v.wrong(variable, err.Error())
		} else if !c.RootCAs.AppendCertsFromPEM(pem) {
			v.wrong(variable, file+" has no certificate (PEM)")
		}
	}
	certificate, variable := v.get("CLIENT_CERTIFICATE")
	key, _ := v.get("CLIENT_KEY")
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			v.wrong(variable, "and its _KEY: "+err.Error())
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

// Start implements otlptrace.Client. The connection is made when it is needed.
func (s *sender) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (s *sender) Stop(context.Context) error {
	s.client.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. It tries again until ctx ends while
// the collector is away or says that it is busy.
func (s *sender) UploadTraces(ctx context.Context, spans []*otlp.ResourceSpans) error {
	// On the wire this is an ExportTraceServiceRequest.
	body, err := proto.Marshal(&otlp.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if s.compress {
		body = compressed(body)
	}
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		told, err := s.send(ctx, body)
		if err == nil || told < 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(max(wait, told)):
		}
	}
}

func compressed(b []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return buffer.Bytes()
}

// send tries once. With an error it returns how long the collector wants to be
// left alone, or less than 0 where trying again does not help.
func (s *sender) send(ctx context.Context, body []byte) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	r.Header = s.header.Clone()
	if s.compress {
		r.Header.Set("Content-Encoding", "gzip")
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection is kept
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return time.Duration(seconds) * time.Second, fmt.Errorf("%s answers %s", r.URL.Redacted(), response.Status)
	}
	if response.StatusCode >= 300 {
		return -1, fmt.Errorf("%s answers %s", r.URL.Redacted(), response.Status)
	}
	return 0, nil
}
