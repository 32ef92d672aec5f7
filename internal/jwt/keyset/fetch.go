package keyset

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// Source is where the keys of an issuer come from. Issuer and Refresh are required.
type Source struct {
	Issuer  string        // who publishes them
	URL     string        // of the keys; "": as the issuer's discovery document says
	CA      string        // certificates of authorities to trust, in PEM; "": the system's
	Refresh time.Duration // how often they are read
}

const (
	// answerBytesMax is how much an issuer may answer.
	answerBytesMax = 256 << 10
	// fetchTimeout bounds all that is needed for the keys, slow answers included.
	fetchTimeout = 10 * time.Second
	// discoveryPath is that of OpenID Connect Discovery 1.0, section 4.
	discoveryPath = "/.well-known/openid-configuration"
)

// Fetch reads the keys once. left says of each that is left out why, and holds nothing of it.
func Fetch(ctx context.Context, s Source) (keys []*jwt.Key, left []error, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	c, err := newClient(s)
	if err != nil {
		return nil, nil, err
	}
	address := s.URL
	if address == "" {
		if address, err = c.discover(ctx, s.Issuer); err != nil {
			return nil, nil, err
		}
	}
	body, err := c.get(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	keys, left, err = jwt.ParseSet(body)
	if err != nil {
		err = fmt.Errorf("what %s answers is not taken: %w", shown(address), err)
	}
	return keys, left, err
}

// client asks an issuer.
type client struct {
	http.Client
	plain bool // plain http is taken, from this machine: that is where the issuer is
}

func newClient(s Source) (*client, error) {
	t := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, // the next time is far
		ForceAttemptHTTP2: true,
	}
	if s.CA != "" {
		roots, err := certificate.Roots([]byte(s.CA))
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = roots
	}
	c := &client{plain: strings.HasPrefix(s.URL, "http:") ||
		s.URL == "" && strings.HasPrefix(s.Issuer, "http:")}
	c.Transport = t
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// discover returns where an issuer publishes its keys.
func (c *client) discover(ctx context.Context, issuer string) (string, error) {
	address := strings.TrimSuffix(issuer, "/") + discoveryPath
	body, err := c.get(ctx, address)
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	switch err := json.Unmarshal(body, &document); {
	case err != nil:
		return "", fmt.Errorf("what %s answers is no discovery document", shown(address))
	case document.Issuer != issuer:
		return "", fmt.Errorf("the discovery document at %s is of another issuer, which calls "+
			"itself %.200q: write that as the issuer, or jwks-url", shown(address), document.Issuer)
	}
	return document.Keys, nil
}

// get returns what is at an address.
func (c *client) get(ctx context.Context, address string) ([]byte, error) {
	if err := c.check(address); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the address of the keys is no URL")
	}
	r.Header.Set("Accept", "application/json")
	answer, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be asked: %w", shown(address), cause(err))
	}
	defer func() { _ = answer.Body.Close() }() // nothing is lost by what goes wrong here
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d, where 200 is wanted and redirects are not followed",
			shown(address), answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of %s breaks off: %w", shown(address), cause(err))
	case len(body) > answerBytesMax:
		return nil, fmt.Errorf("%s answers more than %d bytes", shown(address), answerBytesMax)
	}
	return body, nil
}

// check refuses addresses whose answers anybody on the way could change.
func (c *client) check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the address of the keys is no URL")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && c.plain && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s is not https", shown(address))
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// shown returns an address for messages, without what may be secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// cause takes the address off an error, which the message already has.
func cause(err error) error {
	if e, is := errors.AsType[*url.Error](err); is {
		return e.Err
	}
	return err
}
