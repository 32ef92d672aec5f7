package config

import (
	"net"
	"strconv"
	"strings"
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
func adoptSpring(root *node, r *report) {
	s := springTree{root, r}
	if e := root.entry("spring"); e != nil {
		if e.value.kind == emptyKind || expect(r, "spring", e.value, mapKind) {
			s.walk("spring", e.value)
		}
		root.drop("spring")
	}
	s.port()
}

type springTree struct {
	root   *node
	report *report
}

func (s springTree) walk(key path, n *node) {
	for _, e := range n.fields {
		below := key.key(e.key)
		to, known := springAliases[string(below)]
		switch {
		case e.value.kind == nullKind || to == "" && known:
		case hasAliasBelow(below) && (e.value.kind == mapKind || e.value.kind == emptyKind):
			s.walk(below, e.value)
		case known:
			s.move(below, e, strings.Split(to, "."))
		default:
			s.report.add(e.at, below, "", mistake{"is not used by the gateway", s.remedy(below, e.key)})
		}
	}
}

// remedy says what to do with a key that is not read.
func (s springTree) remedy(key path, last string) string {
	switch {
	case strings.Contains(last, "."):
		return inSteps(last)
	case key == "spring.redis":
		return "write spring.data.redis, as Spring Boot 3 does"
	case key == "spring.config":
		return "remove it; what is for one profile belongs into " + profileFile("PROFILE")
	}
	return "remove it; of spring.* only data.redis (host, port, username, password, database, timeout, ssl) and profiles.active are read"
}

func hasAliasBelow(key path) bool {
	for a := range springAliases {
		if strings.HasPrefix(a, string(key)+".") {
			return true
		}
	}
	return false
}

// move puts a value where it belongs, unless another one is there.
func (s springTree) move(from path, e entry, to []string) {
	parent := s.root
	for _, k := range to[:len(to)-1] {
		if parent = parent.section(k, e.at); parent == nil {
			return // not a map: the schema says so
		}
	}
	key := to[len(to)-1]
	if there := parent.entry(key); there != nil && there.value.given() {
		s.compare(from, e, path(strings.Join(to, ".")), there)
		return
	}
	v := *e.value
	v.moved = from
	if strings.HasSuffix(string(from), ".timeout") && digits(v.text) {
		v.text += "ms" // as Spring reads a number without a unit
	}
	parent.set(entry{key: key, at: e.at, value: &v})
}

// section returns the map under a key, made if need be; nil if something else
// is there.
func (n *node) section(key string, at position) *node {
	v := n.get(key)
	if v.given() && v.kind != mapKind {
		return nil
	}
	if !v.given() {
		v = &node{kind: mapKind, at: at}
		n.set(entry{key: key, at: at, value: v})
	}
	return v
}

func (s springTree) compare(from path, e entry, to path, there *entry) {
	if there.value.kind == scalarKind && there.value.text == e.value.text {
		return
	}
	s.report.add(e.at, from, "", mistake{
		problem: "differs from " + string(to) + " in " + there.at.String(),
		remedy:  "keep one of the two",
	})
}

// port joins server.port to server.address, which may lack a port then, as in
// a Spring application's file.
func (s springTree) port() {
	server := s.root.get("server")
	e := server.entry("port")
	if e == nil {
		return
	}
	port := *e
	server.drop("port")
	if !port.value.given() {
		return
	}
	var n int64
	before := len(s.report.list)
	integer(&n, 0, 65535).decode(s.report, "server.port", port.value)
	if len(s.report.list) > before {
		return
	}
	s.join(server, port, strconv.FormatInt(n, 10))
}

func (s springTree) join(server *node, port entry, number string) {
	address := server.entry("address")
	switch {
	case address == nil || !address.value.given():
		v := &node{kind: scalarKind, at: port.value.at, text: ":" + number}
		server.set(entry{key: "address", at: port.at, value: v})
	case address.value.kind != scalarKind: // the schema says so
	case listenAddress(address.value.text) != nil:
		address.value.text = net.JoinHostPort(address.value.text, number)
	case !strings.HasSuffix(address.value.text, ":"+number):
		s.report.add(port.at, "server.port", number, mistake{
			problem: "differs from the port of server.address in " + address.at.String(),
			remedy:  "keep one of the two",
		})
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
