package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// The rules of single values. Each returns nil for a value that is right.

func notEmpty(s string) *mistake {
	if s == "" {
		return &mistake{problem: "is empty"}
	}
	return printable(s)
}

func printable(s string) *mistake {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return &mistake{"holds a control character", "remove it; a newline may come from the end of a secret's file"}
	}
	return nil
}

// fileName refuses what a file in PEM holds, also without its frame or in base64:
// what stands in the frame is the base64 of an ASN.1 sequence, which begins with M.
func fileName(s string) *mistake {
	bare := strings.HasPrefix(s, "M") || strings.HasPrefix(s, "LS0tLS1CRUdJ")
	if strings.Contains(s, "-----BEGIN") || bare && len(s) > 40 && !strings.ContainsFunc(s, notBase64) {
		return &mistake{"is what a file holds", "write it into a file, and here the name of that file"}
	}
	return nil
}

// notBase64 reports whether c is in no text in base64, be it of several lines.
func notBase64(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("+/= \r\n", c))
}

func atMost(n int) func(string) *mistake {
	return func(s string) *mistake {
		if len(s) <= n {
			return nil
		}
		return &mistake{fmt.Sprintf("has %d bytes", len(s)), fmt.Sprintf("write at most %d", n)}
	}
}

// modelName allows any characters that can be shown, also dots and slashes.
func modelName(s string) *mistake {
	m := notEmpty(s)
	if m == nil {
		m = atMost(limit.NameBytesMax)(s)
	}
	if m == nil {
		return nil
	}
	return &mistake{"is no name for a model: it " + m.problem, "write 1 to 256 bytes without control characters"}
}

func listenAddress(s string) *mistake {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !validPort(port, 0) || strings.ContainsAny(host, " /") {
		return &mistake{"is not an address", `write HOST:PORT, such as 127.0.0.1:8080, or ":8080" for every interface`}
	}
	return nil
}

// orEmpty lets nothing pass beside what the rule does.
func orEmpty(rule func(string) *mistake) func(string) *mistake {
	return func(s string) *mistake {
		if s == "" {
			return nil
		}
		return rule(s)
	}
}

// webOrigin takes an origin as browsers write it (RFC 6454), which is compared as
// a whole, or * for all.
func webOrigin(s string) *mistake {
	if s == "*" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != s || strings.Contains(s, "*") || strings.ToLower(s) != s {
		return &mistake{"is not an origin", "write scheme and host, and the port where it is not the usual one, in lower case and with nothing behind, such as https://chat.example.com"}
	}
	return nil
}

// network binds a network in CIDR notation; an address alone is a network of one.
func network(to *netip.Prefix) scalar {
	return scalar{
		want: "addresses or networks such as 10.0.0.0/8",
		parse: func(s string) *mistake {
			if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
				*to = netip.PrefixFrom(a, a.BitLen())
				return nil
			}
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return &mistake{"is not a network", "write an address or a network, such as 10.0.0.7 or 10.0.0.0/8"}
			}
			*to = p.Masked()
			return nil
		},
		print: func() string { return yamlText(to.String()) },
		show:  withoutSecrets,
	}
}

// hostName refuses what else is written for a host, such as host:port or a URL.
func hostName(s string) *mistake {
	if strings.ContainsAny(s, " /@:") && net.ParseIP(s) == nil {
		return &mistake{"is not a host", "write a name or an IP address; the port has a key of its own"}
	}
	return nil
}

func validPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535 && strconv.Itoa(n) == s
}

var hashForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func keyHash(s string) *mistake {
	if hashForm.MatchString(s) {
		return nil
	}
	return &mistake{"is not the hash of a key", "write what `token-rate-limiter key hash` prints: sha256: and 64 hexadecimal digits in lower case"}
}

func forwardable(s string) *mistake {
	if !httpsyntax.ValidName(s) || len(s) > 256 {
		return &mistake{"is not the name of a header", "write a name such as X-Tenant"}
	}
	if httpsyntax.Reserved(s) {
		return &mistake{"is never passed on", "remove it; credentials and headers of the connection stay here"}
	}
	return nil
}

// fieldBytesMax is the longest name of a field that can be listed.
const fieldBytesMax = 256

// fieldName takes any name that a member of a body may have.
func fieldName(s string) *mistake {
	if s == "" || len(s) > fieldBytesMax {
		return &mistake{"is not the name of a field", "write the name of a member of request bodies, such as priority"}
	}
	return printable(s)
}

// endpoint binds the address of a model server; it drops a trailing slash.
func endpoint(to *Endpoint) scalar {
	s := text(to)
	s.want = "an address such as http://host:8000"
	s.parse = func(v string) *mistake {
		if v == string(MockEndpoint) {
			*to = MockEndpoint
			return nil
		}
		m := serverURL(v)
		if m == nil {
			*to = plainURL(v)
		}
		return m
	}
	return guarded(s)
}

// plainURL returns the one spelling of a valid address, so that a server that is
// listed twice is seen: no slash at its end, no port that goes without saying, and
// small letters where capitals mean the same.
func plainURL(s string) Endpoint {
	u, err := url.Parse(s)
	if err != nil {
		return Endpoint(s)
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":80")
	} else {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return Endpoint(strings.TrimRight(u.String(), "/"))
}

func serverURL(s string) *mistake {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || printable(s) != nil || strings.Contains(s, " "):
		return &mistake{problem: "is not a URL"}
	case u.Scheme != "http" && u.Scheme != "https":
		return &mistake{problem: "is not an http or https URL"}
	case u.Hostname() == "":
		return &mistake{problem: "has no host"}
	case !httpsyntax.ValidHost(u.Host):
		return &mistake{"has a host that a request cannot carry", "write the host in ASCII, as DNS has it (xn--...), and without a zone"}
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port(), 1):
		return &mistake{"has no valid port", "write a port from 1 to 65535, or none"}
	case u.User != nil:
		return &mistake{"holds credentials", "write the server's key as api-key"}
	case strings.ContainsAny(s, "?#"):
		return &mistake{"has a query or fragment", "write scheme, host, port and path only"}
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"):
		return &mistake{"ends in /v1", "leave /v1 out: the gateway adds it to every path"}
	}
	for _, end := range pathEnds {
		if strings.HasSuffix(u.Path, end) {
			return &mistake{"ends in " + end, "leave that out: the gateway adds the path of each request"}
		}
	}
	return nil
}

// pathEnds are what an address ends in that was copied from a client's settings.
var pathEnds = []string{"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/models"}

// withoutSecrets shows an address without the credentials and the query that
// it may hold, and nothing of one where it cannot be told which is which.
func withoutSecrets(s string) string {
	credentials, query := strings.LastIndex(s, "@"), strings.Index(s, "?")
	if query >= 0 && credentials > query {
		return quote(mask)
	}
	if query >= 0 {
		s = s[:query] + "?" + mask
	}
	if credentials >= 0 {
		s = mask + s[credentials:]
	}
	return shown(s)
}

// guarded is the text of an address, in whose place people write whole URLs with
// credentials.
func guarded(s scalar) scalar {
	s.show = withoutSecrets
	return s
}
