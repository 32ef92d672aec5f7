package config

import (
	"net"
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
	if e := root.Entry("spring"); e != nil {
		if e.Value.Kind == binding.EmptyKind || r.Expect("spring", e.Value, binding.MapKind) {
			s.walk("spring", e.Value)
		}
		root.Drop("spring")
	}
	s.port()
}

type springTree struct {
	root   *binding.Node
	report *binding.Report
}

func (s springTree) walk(key binding.Path, n *binding.Node) {
	for _, e := range n.Fields {
		below := key.Key(e.Key)
		to, known := springAliases[string(below)]
		switch {
		case e.Value.Kind == binding.NullKind || to == "" && known:
		case hasAliasBelow(below) && (e.Value.Kind == binding.MapKind || e.Value.Kind == binding.EmptyKind):
			s.walk(below, e.Value)
		case known:
			s.move(below, e, strings.Split(to, "."))
		default:
			s.report.Add(e.At, below, "", "is not used by the gateway", s.remedy(below, e.Key))
		}
	}
}

// remedy says what to do with a key that is not read.
func (s springTree) remedy(key binding.Path, last string) string {
	switch {
	case strings.Contains(last, "."):
		return binding.InSteps(last)
	case key == "spring.redis":
		return "write spring.data.redis, as Spring Boot 3 does"
	case key == "spring.config":
		return "remove it; what is for one profile belongs into " + profileFile("PROFILE")
	}
	return "remove it; of spring.* only data.redis (host, port, username, password, database, timeout, ssl) and profiles.active are read"
}

func hasAliasBelow(key binding.Path) bool {
	for a := range springAliases {
		if strings.HasPrefix(a, string(key)+".") {
			return true
		}
	}
	return false
}

// move puts a value where it belongs, unless another one is there.
func (s springTree) move(from binding.Path, e binding.Entry, to []string) {
	parent := s.root
	for _, k := range to[:len(to)-1] {
		if parent = parent.Section(k, e.At); parent == nil {
			return // not a map: the schema says so
		}
	}
	key := to[len(to)-1]
	if there := parent.Entry(key); there != nil && there.Value.Given() {
		s.compare(from, e, binding.Path(strings.Join(to, ".")), there)
		return
	}
	v := *e.Value
	v.Moved = from
	if strings.HasSuffix(string(from), ".timeout") && digits(v.Text) {
		v.Text += "ms" // as Spring reads a number without a unit
	}
	parent.Set(binding.Entry{Key: key, At: e.At, Value: &v})
}

func (s springTree) compare(from binding.Path, e binding.Entry, to binding.Path, there *binding.Entry) {
	if there.Value.Kind == binding.ScalarKind && there.Value.Text == e.Value.Text {
		return
	}
	s.report.Add(e.At, from, "", "differs from "+string(to)+" in "+there.At.String(), "keep one of the two")
}

// port joins server.port to server.address, which may lack a port then, as in
// a Spring application's file.
func (s springTree) port() {
	server := s.root.Get("server")
	e := server.Entry("port")
	if e == nil {
		return
	}
	port := *e
	server.Drop("port")
	if !port.Value.Given() {
		return
	}
	var n int64
	before := len(s.report.Mistakes)
	binding.Integer(&n, 0, 65535).Decode(s.report, "server.port", port.Value)
	if len(s.report.Mistakes) > before {
		return
	}
	s.join(server, port, strconv.FormatInt(n, 10))
}

func (s springTree) join(server *binding.Node, port binding.Entry, number string) {
	address := server.Entry("address")
	switch {
	case address == nil || !address.Value.Given():
		v := &binding.Node{Kind: binding.ScalarKind, At: port.Value.At, Text: ":" + number}
		server.Set(binding.Entry{Key: "address", At: port.At, Value: v})
	case address.Value.Kind != binding.ScalarKind: // the schema says so
	case listenAddress(address.Value.Text) != nil:
		address.Value.Text = net.JoinHostPort(address.Value.Text, number)
	case !strings.HasSuffix(address.Value.Text, ":"+number):
		s.report.Add(port.At, "server.port", number, "differs from the port of server.address in "+address.At.String(), "keep one of the two")
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
