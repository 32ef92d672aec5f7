package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
)

// askTimeout bounds a question to a running gateway.
const askTimeout = 5 * time.Second

// gatewayFlags say which gateway is asked.
type gatewayFlags struct {
	URL        string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"${url}"`
	CAFile     string `placeholder:"FILE" help:"${ca}"`
	ServerName string `placeholder:"NAME" help:"${server}"`
}

// client returns what speaks to the gateway.
func (f gatewayFlags) client() (*http.Client, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if t.RootCAs, err = certificate.Roots(pem); err != nil {
			return nil, fmt.Errorf("--ca-file: %s %w", f.CAFile, err)
		}
	}
	transport := &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment}
	return &http.Client{Transport: transport}, nil
}

// ask returns the body of the gateway's answer to GET path. An answer other
// than 200 is an error that quotes it.
func (f gatewayFlags) ask(path, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	address := strings.TrimRight(f.URL, "/") + path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || r.URL.Host == "" {
		return nil, fmt.Errorf("--url is %q, and must be like http://HOST:PORT", f.URL)
	}
	if key = strings.TrimSpace(key); key != "" { // a secret's file may end with a newline
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, f.unreached(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, f.refused(path, response, body)
	}
	return body, nil
}

// unreached says what may be wrong where there is no answer.
func (f gatewayFlags) unreached(err error) error {
	remedy := "is the gateway running, and is --url the address that it listens on " +
		"(server.address, or management.address where that is set)?"
	switch {
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		remedy = "the gateway has no server.tls: write http:// in --url"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		remedy = "name the authority by --ca-file, and the name in the certificate by --server-name"
	}
	return fmt.Errorf("%w; %s", err, remedy)
}

// refused says what may be wrong where the answer is not 200.
func (f gatewayFlags) refused(path string, response *http.Response, body []byte) error {
	remedy := ""
	switch s := response.StatusCode; {
	case s == http.StatusBadRequest && bytes.Contains(body, []byte("HTTPS server")):
		remedy = "; the gateway has server.tls: write https:// in --url"
	case s == http.StatusNotFound && f.hasPath():
		remedy = "; --url has a path, which few gateways are below: write http://HOST:PORT alone"
	case s == http.StatusNotFound && strings.HasPrefix(path, "/actuator/"):
		remedy = "; is it a gateway? Where management.address is set, it answers that there: " +
			"write that in --url"
	case s == http.StatusNotFound && bytes.Contains(body, []byte(`"not_found"`)):
		remedy = "; is it management.address? Usage is told on server.address: write that in --url"
	}
	return fmt.Errorf("%s says %s: %s%s", f.URL, response.Status, bytes.TrimSpace(body), remedy)
}

// hasPath reports whether --url has more than an address, as the base URL of a client.
func (f gatewayFlags) hasPath() bool {
	u, err := url.Parse(f.URL)
	return err == nil && strings.Trim(u.Path, "/") != ""
}

type healthcheckCommand struct{ gatewayFlags }

// Run succeeds when the gateway is ready.
func (c *healthcheckCommand) Run() error {
	_, err := c.ask("/actuator/health/readiness", "")
	return err
}

type usageCommand struct {
	gatewayFlags
	Key   string `env:"TOKEN_RATE_LIMITER_KEY" placeholder:"KEY" help:"${key}"`
	JSON  bool   `help:"Print the gateway's answer as it is."`
	Model string `arg:"" help:"Public name of the model."`
	User  string `arg:"" help:"Name of the user."`
}

// Run prints where a user stands on a model.
func (c *usageCommand) Run() error {
	body, err := c.ask("/api/v1/admin/token-usage/"+segment(c.Model)+"/"+segment(c.User), c.Key)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Printf("%s\n", body)
		return err
	}
	var u admin.Usage
	if err := json.Unmarshal(body, &u); err != nil {
		return fmt.Errorf("the answer of %s is not what a gateway says: %w", c.URL, err)
	}
	return printUsage(os.Stdout, u)
}

// segment returns name as a part of a path: one of dots alone, too, which would mean another path.
func segment(name string) string { return strings.ReplaceAll(url.PathEscape(name), ".", "%2E") }

func printUsage(w io.Writer, u admin.Usage) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s on %s at %s\n", u.User, u.Model, u.At.Format(time.RFC3339))
	fmt.Fprintln(t, "SCOPE\tMETER\tWINDOW\tLIMIT\tUSED\tRESERVED\tREMAINING\tRESET AT")
	for _, l := range u.Windows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n",
			l.Scope, l.Meter, l.Window, limited(l.Limit),
			l.Used, l.Reserved, limited(l.Remaining), l.ResetAt.Format(time.RFC3339))
	}
	for _, c := range u.Concurrency {
		fmt.Fprintf(t, "%s\tconcurrent_requests\t\t%s\t%d\n", c.Scope, limited(c.Limit), c.Running)
	}
	return t.Flush()
}

// limited renders a number that a limit gives, where there is one.
func limited(n *int64) string {
	if n == nil {
		return "unlimited"
	}
	return strconv.FormatInt(*n, 10)
}
