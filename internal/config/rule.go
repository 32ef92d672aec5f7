package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// The rules of single values. Each returns nil for a value that is right.

func timeout(to *time.Duration) binding.Target { return binding.Duration(to, time.Millisecond) }

func name(to *string) binding.Target {
	return binding.Text(to, binding.NotEmpty, nameLength).Wants("1 to 256 bytes")
}

var nameLength = binding.AtMost(limit.NameBytesMax)

// modelName allows any characters that can be shown, also dots and slashes.
func modelName(s string) *binding.Mistake {
	for _, rule := range []func(string) *binding.Mistake{binding.NotEmpty, nameLength} {
		if m := rule(s); m != nil {
			return binding.Wrong("is no name for a model: it "+m.Problem,
				"write 1 to 256 bytes without control characters")
		}
	}
	return nil
}

func listenAddress(s string) *binding.Mistake {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !validPort(port, 0) || strings.ContainsAny(host, " /") {
		return binding.Wrong("is not an address",
			`write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`)
	}
	return nil
}

func address(to *string, rule func(string) *binding.Mistake) binding.Target {
	return binding.Guarded(binding.Text(to, rule)).Wants("HOST:PORT")
}

// webOrigin takes an origin as browsers write and compare it (RFC 6454), or * for all.
func webOrigin(s string) *binding.Mistake {
	if s == "*" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != s ||
		strings.Contains(s, "*") || strings.ToLower(s) != s {
		return binding.Wrong("is not an origin", "write scheme and host, and the port where it "+
			"is not the usual one, in lower case and with nothing behind, "+
			"such as https://chat.example.com")
	}
	return nil
}

func origin(to *string) binding.Target {
	return binding.Guarded(binding.Text(to, webOrigin)).
		Wants("origins such as https://chat.example.com")
}

// hostName refuses what else is written for a host, such as host:port or a URL.
func hostName(s string) *binding.Mistake {
	if strings.ContainsAny(s, " /@:") && net.ParseIP(s) == nil {
		return binding.Wrong("is not a host",
			"write a name or an IP address; the port has a key of its own")
	}
	return nil
}

func validPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535 && strconv.Itoa(n) == s
}

func keyHash(s string) *binding.Mistake {
	if _, err := identity.ParseHash(s); err == nil {
		return nil
	}
	return binding.Wrong("is not the hash of a key", "write what `token-rate-limiter key hash` "+
		"prints: sha256: and 64 hexadecimal digits in lower case")
}

func forwardable(s string) *binding.Mistake {
	if !httpsyntax.ValidName(s) || len(s) > 256 {
		return binding.Wrong("is not the name of a header", "write a name such as X-Tenant")
	}
	if httpsyntax.Reserved(s) {
		return binding.Wrong("is never passed on",
			"remove it; credentials and headers of the connection stay here")
	}
	return nil
}

func header(to *string) binding.Target {
	return binding.Text(to, forwardable).Wants("names of headers")
}

// fieldBytesMax is the longest name of a field that can be listed.
const fieldBytesMax = 256

// fieldName takes any name that a member of a body may have.
func fieldName(s string) *binding.Mistake {
	if s == "" || len(s) > fieldBytesMax {
		return binding.Wrong("is not the name of a field",
			"write the name of a member of request bodies, such as priority")
	}
	return binding.Printable(s)
}

func bodyField(to *string) binding.Target {
	return binding.Text(to, fieldName).Wants("names of body fields")
}

// modelPattern binds what names models to a key.
func modelPattern(to *string) binding.Target {
	return binding.Text(to, func(s string) *binding.Mistake {
		if err := identity.CheckModelPattern(s); err != nil {
			return binding.Wrong("names no model: it "+err.Error(),
				"write the public name of a model, a pattern such as llama2-*, or *")
		}
		return nil
	}).Wants("names of models, or patterns")
}

// role binds the name of a role, one that there always is or a custom one.
func role(to *identity.Role) binding.Target {
	return binding.Text(to, func(s string) *binding.Mistake {
		if err := identity.Role(s).CheckName(); err != nil {
			return binding.Wrong("is no role: "+err.Error(), "write "+eitherRole()+", or the "+
				"name of a custom one")
		}
		return nil
	}).Wants(eitherRole() + ", or a custom role")
}

// eitherRole names the roles that there always are.
func eitherRole() string {
	var names []string
	for _, r := range identity.Roles() {
		names = append(names, string(r))
	}
	return binding.Either(names)
}

// endpoint binds the name of an endpoint.
func endpoint(to *string) binding.Target {
	return binding.Choice(to, identity.EndpointNames()...)
}

// server binds the address of a model server; it drops a trailing slash.
func server(to *ServerURL) binding.Target {
	s := binding.Guarded(binding.Text(to)).Wants("an address such as http://host:8000")
	s.Parse = func(v string) *binding.Mistake {
		m := serverURL(v)
		switch {
		case v == string(MockServer):
			*to, m = MockServer, nil
		case m == nil:
			*to = plainURL(v)
		}
		return m
	}
	return s
}

// plainURL returns the one spelling of a valid address, so that a server that is listed twice is
// seen: no slash at its end, no usual port, and small letters in the host.
func plainURL(s string) ServerURL {
	u, err := url.Parse(s)
	if err != nil {
		return ServerURL(s)
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":80")
	} else {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return ServerURL(strings.TrimRight(u.String(), "/"))
}

func serverURL(s string) *binding.Mistake {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || binding.Printable(s) != nil || strings.Contains(s, " "):
		return binding.Wrong("is not a URL", "")
	case u.Scheme != "http" && u.Scheme != "https":
		return binding.Wrong("is not an http or https URL", "")
	case u.Hostname() == "":
		return binding.Wrong("has no host", "")
	case !httpsyntax.ValidHost(u.Host):
		return binding.Wrong("has a host that a request cannot carry",
			"write the host in ASCII, as DNS has it (xn--...), and without a zone")
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port(), 1):
		return binding.Wrong("has no valid port", "write a port from 1 to 65535, or none")
	case u.User != nil:
		return binding.Wrong("holds credentials", "write the server's key as api-key")
	case strings.ContainsAny(s, "?#"):
		return binding.Wrong("has a query or fragment", "write scheme, host, port and path only")
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"):
		return binding.Wrong("ends in /v1", "leave /v1 out: the gateway adds it to every path")
	}
	for _, end := range pathEnds {
		if strings.HasSuffix(u.Path, end) {
			return binding.Wrong("ends in "+end,
				"leave that out: the gateway adds the path of each request")
		}
	}
	return nil
}

// pathEnds are what an address ends in that was copied from a client's settings.
var pathEnds = []string{
	"/v1/chat/completions", "/v1/completions", "/v1/responses",
	"/v1/messages", "/v1/embeddings", "/v1/models",
}
