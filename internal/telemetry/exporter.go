package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/net/http/httpguts"
)

const (
	defaultEndpoint = "http://localhost:4318"
	tracesPath      = "/v1/traces"
	// responseBytesMax is how much of a collector's answer is read.
	responseBytesMax = 1 << 20
)

// openExporter returns what sends spans, by the variables OTEL_EXPORTER_OTLP_... . It does not
// connect.
func openExporter(ctx context.Context) (sdk.SpanExporter, error) {
	if err := checkExporter(); err != nil {
		return nil, err
	}
	endpoint, err := exporterURL()
	if err != nil {
		return nil, err
	}
	// The exporter would print wrong values of header fields, which may be secret.
	otel.SetLogger(logr.Discard())
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithMaxResponseSize(responseBytesMax))
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_CERTIFICATE: "+
			"%w; set the first one to an https URL, or do not set the second one", err)
	}
	return exporter, nil
}

var exporterPrefixes = []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"}

// exporterVariable returns a variable of the exporter and its whole name. The name with
// TRACES_ comes first (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
func exporterVariable(name string) (value, variable string) {
	for _, prefix := range exporterPrefixes {
		if value := strings.TrimSpace(os.Getenv(prefix + name)); value != "" {
			return value, prefix + name
		}
	}
	return "", "OTEL_EXPORTER_OTLP_" + name
}

// exporterURL returns where spans are sent to. The exporter reads the same variables, but it
// would encrypt without an endpoint, and let OTEL_EXPORTER_OTLP_INSECURE overrule the scheme.
func exporterURL() (string, error) {
	value, variable := exporterVariable("ENDPOINT")
	if value == "" {
		return defaultEndpoint + tracesPath, nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
		u.User != nil || u.RawQuery != "" { // which the exporter would leave out
		return "", fmt.Errorf("%s is no http or https URL of a host, a port and a path; "+
			"set it to one such as %s, and OTEL_EXPORTER_OTLP_HEADERS to credentials",
			variable, defaultEndpoint)
	}
	if !strings.Contains(variable, "TRACES") {
		u = u.JoinPath(tracesPath)
	}
	return u.String(), nil
}

// exporterChecks return what is wrong with the value of a variable and what to set it to, "" for
// nothing. The exporter leaves out what it cannot read and goes on, without a header field or a
// certificate. No check repeats a value that may be secret.
var exporterChecks = []struct {
	name  string
	wrong func(value string) string
}{
	{"PROTOCOL", func(value string) string {
		if value == "http/protobuf" {
			return ""
		}
		return fmt.Sprintf("is %q, which this gateway does not speak; set it to http/protobuf, "+
			"with the collector's port for it, usually 4318", value)
	}},
	{"HEADERS", wrongHeaders},
	{"TIMEOUT", func(value string) string {
		if ms, err := strconv.Atoi(value); err == nil && ms > 0 {
			return ""
		}
		return fmt.Sprintf("is %q; set it to a number of milliseconds", value)
	}},
	{"COMPRESSION", func(value string) string {
		if value == "gzip" || value == "none" {
			return ""
		}
		return fmt.Sprintf("is %q; set it to gzip or none", value)
	}},
	{"CERTIFICATE", wrongRoots},
	{"CLIENT_CERTIFICATE", wrongPair},
	{"CLIENT_KEY", wrongPair},
}

// batchVariables are numbers of spans and of milliseconds, up to batchMax.
var batchVariables = []string{
	"OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
	"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT",
}

const batchMax = 1_000_000

// checkExporter returns the first mistake in the variables OTEL_EXPORTER_OTLP_... and
// OTEL_BSP_... .
func checkExporter() error {
	for _, name := range batchVariables {
		value := strings.TrimSpace(os.Getenv(name))
		if n, err := strconv.Atoi(value); value != "" && (err != nil || n < 1 || n > batchMax) {
			return fmt.Errorf("%s is %q; set it to a number from 1 to %d", name, value, batchMax)
		}
	}
	for _, c := range exporterChecks {
		value, variable := exporterVariable(c.name)
		if value == "" {
			continue
		}
		if problem := c.wrong(value); problem != "" {
			return fmt.Errorf("%s %s", variable, problem)
		}
	}
	return nil
}

func wrongHeaders(value string) string {
	for pair := range strings.SplitSeq(value, ",") {
		name, value, ok := strings.Cut(pair, "=")
		plain, err := url.PathUnescape(value)
		if !ok || err != nil || !httpguts.ValidHeaderFieldName(strings.TrimSpace(name)) ||
			!httpguts.ValidHeaderFieldValue(plain) {
			return "is no list of header fields; set it to one like name=value,name=value, " +
				"with percent-encoded values"
		}
	}
	return ""
}

func wrongRoots(file string) string {
	pem, err := os.ReadFile(file) // #nosec G304 -- the file that the operator names
	switch {
	case err != nil:
		return "cannot be read: " + withoutName(err).Error() +
			"; set it to the name of a file in PEM"
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		return "names " + file + ", which has no certificate; set it to a file in PEM"
	}
	return ""
}

// wrongPair looks at both prefixes, for the exporter takes no pair of two.
func wrongPair(string) string {
	for _, prefix := range exporterPrefixes {
		certificate := strings.TrimSpace(os.Getenv(prefix + "CLIENT_CERTIFICATE"))
		key := strings.TrimSpace(os.Getenv(prefix + "CLIENT_KEY"))
		if certificate == "" && key == "" {
			continue
		}
		if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
			return fmt.Sprintf("makes no pair of a certificate and its key: %v; "+
				"set both %[2]sCLIENT_CERTIFICATE and %[2]sCLIENT_KEY to names of files in PEM",
				withoutName(err), prefix)
		}
	}
	return ""
}

// withoutName returns an error of a file without the name: it may be a key, where somebody has
// set the variable to what the file should hold.
func withoutName(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
