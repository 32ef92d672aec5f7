package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// springAliases are the keys of a Spring application's file that are read, so
// that an existing one works, and what they mean here. "" is read elsewhere.
var springAliases = map[string]string{
	"spring.profiles.active":        "", // by Options.profile
	"spring.data.redis.host":        "redis.host",
	"spring.data.redis.port":        "redis.port",
	"spring.data.redis.password":    "redis.password",
	"spring.data.redis.username":    "redis.username",
	"spring.data.redis.database":    "redis.database",
	"spring.data.redis.timeout":     "redis.timeout",
	"spring.data.redis.ssl":         "redis.tls.enabled", // Spring Boot 2
	"spring.data.redis.ssl.enabled": "redis.tls.enabled", // Spring Boot 3
}

// adoptSpring moves the values under spring to the keys that they mean, and
// reports every other key there: nothing is silently without effect.
func adoptSpring(root *binding.Node, r *binding.Report) {
	s := springTree{root, r}
	if n := root.Get("spring"); n != nil {
		if n.Kind == binding.EmptyKind || r.Expect(n, binding.MapKind) {
			s.walk(n)
		}
		root.Drop("spring")
	}
	s.port()
}

type springTree struct {
	root *binding.Node
	*binding.Report
}

func (s springTree) walk(n *binding.Node) {
	for _, e := range n.Fields {
		kind, key := e.Value.Kind, string(e.Value.Path)
		to, known := springAliases[key]
		switch {
		case kind == binding.NullKind || to == "" && known:
		case hasAliasBelow(key) && (kind == binding.MapKind || kind == binding.EmptyKind):
			s.walk(e.Value)
		case known:
			s.move(e, to)
		default:
			s.AddKey(&e, "", "is not used by the gateway", springRemedy(key, e.Key))
		}
	}
}

// springRemedy says what to do with a key that is not read.
func springRemedy(key, last string) string {
	switch {
	case strings.Contains(last, "."):
		return binding.InSteps(last)
	case key == "spring.redis":
		return "write spring.data.redis, as Spring Boot 3 does"
	case key == "spring.config":
		return "remove it; what is for one profile belongs into " + profileFile("PROFILE")
	}
	return "remove it; of spring.* only data.redis (host, port, username, password, database, " +
		"timeout, ssl) and profiles.active are read"
}

func hasAliasBelow(key string) bool {
	for a := range springAliases {
		if strings.HasPrefix(a, key+".") {
			return true
		}
	}
	return false
}

// move puts a value where it belongs, unless another one is there.
func (s springTree) move(e binding.Entry, to string) {
	parent, keys := s.root, strings.Split(to, ".")
	last := len(keys) - 1
	for _, k := range keys[:last] {
		if parent = parent.Section(k, e.At); parent == nil {
			return // not a map: the schema says so
		}
	}
	if there := parent.Entry(keys[last]); there != nil && there.Value.Given() {
		if there.Value.Kind != binding.ScalarKind || there.Value.Text != e.Value.Text {
			s.differ(&e, "", to, there)
		}
		return
	}
	if strings.HasSuffix(string(e.Value.Path), ".timeout") && digits.MatchString(e.Value.Text) {
		e.Value.Text += "ms" // as Spring reads a number without a unit
	}
	e.Key = keys[last]
	parent.Set(e)
}

var digits = regexp.MustCompile(`^[0-9]+$`)

func (s springTree) differ(e *binding.Entry, value, from string, there *binding.Entry) {
	s.AddKey(e, value, "differs from "+from+" in "+there.At.String(), "keep one of the two")
}

// port joins server.port to server.address, which may lack it, as Spring has them.
func (s springTree) port() {
	server := s.root.Get("server")
	e := server.Entry("port")
	if e == nil {
		return
	}
	port, n := *e, int64(-1)
	server.Drop("port")
	if port.Value.Given() {
		binding.Integer(&n, 0, 65535).Decode(s.Report, port.Value)
	}
	if n >= 0 {
		s.join(server, port, strconv.FormatInt(n, 10))
	}
}

func (s springTree) join(server *binding.Node, port binding.Entry, number string) {
	address := server.Entry("address")
	switch {
	case address == nil || !address.Value.Given():
		port.Key, port.Value.Text = "address", ":"+number
		server.Set(port)
	case address.Value.Kind != binding.ScalarKind: // the schema says so
	case listenAddress(address.Value.Text) != nil:
		address.Value.Text = net.JoinHostPort(address.Value.Text, number)
	case !strings.HasSuffix(address.Value.Text, ":"+number):
		s.differ(&port, number, "the port of server.address", address)
	}
}
