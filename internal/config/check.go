package config

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// check reports mistakes that concern more than one key. The tree tells where
// they are; what follows from a mistake that was already reported is not reported, and
// nothing is said to be missing where a part of the files is.
func (c *Config) check(root *binding.Node, whole bool, r *binding.Report) {
	k := checking{c, root, r, whole}
	k.services()
	k.models()
	k.redis()
	k.pairs()
	k.apiKeys()
	k.addresses()
	k.buffered()
	k.empty()
}

// bufferedMin is the least of max-buffered-bytes, in bytes, and bufferedBodies how many
// of the largest bodies it has to hold: one as it comes, one as it is sent, and a part
// that bodies may not fill.
const bufferedMin, bufferedBodies = 1 << 20, 3

// buffered checks that the largest request body can be held.
func (k checking) buffered() {
	const key = "server.max-buffered-bytes"
	least := max(bufferedMin, bufferedBodies*k.Server.MaxBodyBytes)
	if n := k.Server.MaxBufferedBytes; n > 0 && n < least && !k.report.Has("server.max-body-bytes") {
		k.report.Add(k.root.Find("server", "max-buffered-bytes").At, key, strconv.FormatInt(n, 10),
			fmt.Sprintf("is less than %d MiB and %d times server.max-body-bytes", bufferedMin>>20, bufferedBodies), fmt.Sprintf("write %d or more, or lower server.max-body-bytes", least))
	}
}

// addresses checks that operators and clients do not share one by two names.
func (k checking) addresses() {
	address, problem := k.Management.Address, "is server.address too"
	if !collide(address, k.Server.Address) {
		return
	}
	if address != k.Server.Address {
		problem = "has the port of server.address (" + k.Server.Address + "), and one of the two is every interface"
	}
	k.report.Add(k.root.Find("management", "address").At, "management.address", binding.Quote(address),
		problem, "write another port, or remove it: operators then share the listener for clients")
}

// collide reports whether one process cannot listen on both addresses.
func collide(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || covers(hostA, hostB) || covers(hostB, hostA)
}

// covers reports whether to listen on host takes the port from other as well.
func covers(host, other string) bool {
	return host == "" || host == "::" || host == "0.0.0.0" && !strings.Contains(other, ":") // no IPv6
}

type checking struct {
	*Config
	root   *binding.Node
	report *binding.Report
	whole  bool // nothing is missing of the files
}

var (
	modelKeys   = []string{"token", "rate-limit", "models"}
	serviceKeys = []string{"vllm", "services"}
)

// empty reports a configuration that serves nothing, which is that of a wrong directory
// or profile, unless another mistake may be the reason.
func (k checking) empty() {
	if len(k.Services) > 0 || !k.whole || k.report.Has("vllm") || k.report.UnknownAtTop {
		return
	}
	at := binding.Position{File: k.root.At.File}
	if section := k.root.Find(serviceKeys...); section.Given() {
		at = section.At
	}
	services := binding.PathOf(serviceKeys)
	k.report.Add(at, services, "", "has no model", "add "+string(services)+".NAME: http://host:8000")
}

// services checks that each has an address, and no mock in production.
func (k checking) services() {
	section := k.root.Find(serviceKeys...)
	for name, s := range k.Services {
		e, key := section.Entry(name), binding.PathOf(serviceKeys).Key(name)
		if len(s.Endpoints) == 0 && k.whole && !k.report.Has(key) {
			k.report.Add(e.At, key, "", "has no endpoint", "write endpoints: [http://host:8000]")
		}
		if k.Profile == profileProd && slices.Contains(s.Endpoints, MockEndpoint) {
			k.report.Add(e.At, key, binding.Quote(string(MockEndpoint)), "is not allowed in profile "+profileProd, "write the address of a model server")
		}
		k.service(s, e.Value, key)
		k.sharing(name, s, e, key)
	}
}

// service checks what is set of one service.
func (k checking) service(s Service, n *binding.Node, key binding.Path) {
	for i, endpoint := range s.Endpoints {
		if endpoint != "" && slices.Contains(s.Endpoints[:i], endpoint) { // "": it is none
			k.report.Add(n.At, key.Key("endpoints"), binding.Quote(string(endpoint)), "is listed twice", "list each address once")
		}
	}
	if s.BreakerFailures > s.BreakerOutcomes && !k.report.Has(key.Key("breaker-outcomes")) {
		k.report.Add(n.At, key.Key("breaker-failures"), strconv.FormatInt(s.BreakerFailures, 10),
			fmt.Sprintf("is more than breaker-outcomes (%d) and would never be reached", s.BreakerOutcomes), "write 0 for never")
	}
}

// sharing checks that a service shares the limits of one that has its own.
func (k checking) sharing(name string, s Service, e *binding.Entry, key binding.Path) {
	if s.ShareLimitsWith == "" {
		return
	}
	at := e.Value.Get("share-limits-with").At
	key = key.Key("share-limits-with")
	other, served := k.Services[s.ShareLimitsWith]
	_, limited := k.RateLimit.Models[name]
	switch {
	case s.ShareLimitsWith == name:
		k.report.Add(at, key, binding.Quote(name), "is the model itself", "remove it: a model has its own limits anyway")
	case !served && !k.whole:
	case !served:
		remedy := "write the public name of a served model"
		if near := binding.Similar(s.ShareLimitsWith, slices.Sorted(maps.Keys(k.Services))); near != "" {
			remedy = "did you mean " + binding.Quote(near) + "?"
		}
		k.report.Add(at, key, binding.Quote(s.ShareLimitsWith), "is not served", remedy)
	case other.ShareLimitsWith == name:
		k.report.Add(at, key, binding.Quote(s.ShareLimitsWith), "shares the limits of "+binding.Quote(name)+" itself", "remove one of the two")
	case other.ShareLimitsWith != "":
		k.report.Add(at, key, binding.Quote(s.ShareLimitsWith), "shares another's limits itself", "write "+binding.Quote(other.ShareLimitsWith))
	case limited:
		k.report.Add(k.root.Find(modelKeys...).Entry(name).At, binding.PathOf(modelKeys).Key(name), "",
			"has limits of its own and shares those of "+binding.Quote(s.ShareLimitsWith), "remove one of the two")
	}
}

// models checks that whatever has limits is served: a misspelt name would
// leave the model that is meant without its limits.
func (k checking) models() {
	if services := k.root.Find(serviceKeys...); !k.whole || services.Given() && services.Kind != binding.MapKind {
		return
	}
	served := slices.Sorted(maps.Keys(k.Services))
	section := k.root.Find(modelKeys...)
	for name := range k.RateLimit.Models {
		if _, ok := k.Services[name]; ok {
			continue
		}
		remedy := "add " + string(binding.PathOf(serviceKeys).Key(name)) + ": http://host:8000"
		if near := binding.Similar(name, served); near != "" {
			remedy += ", or did you mean " + binding.Quote(near) + "?"
		}
		k.report.Add(section.Entry(name).At, binding.PathOf(modelKeys).Key(name), "", "has no service", remedy)
	}
}

func (k checking) redis() {
	store := k.root.Find("token", "rate-limit", "store")
	if k.RateLimit.Store == StoreRedis && k.Redis == nil && k.whole {
		k.report.Add(store.At, "token.rate-limit.store", binding.Quote(string(StoreRedis)),
			"has no section redis", "add redis: with host and port, or write memory")
	}
}

// pairs checks that a certificate has its key.
func (k checking) pairs() {
	k.pair(k.Server.TLS.Certificate, k.Server.TLS.Key, "server", "tls")
	if k.Redis != nil {
		k.pair(k.Redis.TLS.Certificate, k.Redis.TLS.Key, "redis", "tls")
	}
}

func (k checking) pair(certificate, key string, section ...string) {
	if at := binding.PathOf(section); (certificate == "") != (key == "") && k.whole && !k.report.Has(at) {
		k.report.Add(k.root.Find(section...).At, at, "", "has one of certificate and key", "write both or none")
	}
}

// apiKeys checks that a key has what it needs, and stands for one user only.
func (k checking) apiKeys() {
	list := k.root.Find("auth", "api-keys")
	names, hashes := map[string]int{}, map[string]int{}
	for i, a := range k.Auth.APIKeys {
		at, key := list.Items[i].At, binding.Path("auth.api-keys").Item(i)
		if missing := a.missing(); len(missing) > 0 && !k.report.Has(key) {
			k.report.Add(at, key, "", "has no "+binding.Either(missing), "write name, user, hash and roles")
		}
		k.unique(at, key, "name", names, a.Name, i)
		k.unique(at, key, "hash", hashes, a.Hash, i)
	}
}

func (k checking) unique(at binding.Position, key binding.Path, what string, seen map[string]int, value string, i int) {
	if value == "" {
		return // it is missing or wrong
	}
	if first, ok := seen[value]; ok {
		k.report.Add(at, key, "", fmt.Sprintf("has the %s of auth.api-keys[%d]", what, first), "give each key its own")
		return
	}
	seen[value] = i
}

// missing names the settings that a key lacks.
func (a APIKey) missing() (names []string) {
	for _, s := range []struct {
		name  string
		lacks bool
	}{{"name", a.Name == ""}, {"user", a.User == ""}, {"hash", a.Hash == ""}, {"roles", len(a.Roles) == 0}} {
		if s.lacks {
			names = append(names, s.name)
		}
	}
	return names
}
