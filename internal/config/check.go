package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// check reports mistakes that concern more than one key. What follows from a mistake that was
// reported is not reported, and nothing is said to be missing where a part of the files is.
func (c *Config) check(root *binding.Node, whole bool, r *binding.Report) {
	k := checking{c, r, root, whole}
	k.services()
	k.models()
	k.redis()
	k.database()
	k.pairs()
	k.apiKeys()
	k.roles()
	k.issuers()
	k.addresses()
	k.buffered()
	k.empty()
}

// checking is a Config with the tree that it is from, of which a report tells.
type checking struct {
	*Config
	*binding.Report
	root  *binding.Node
	whole bool // nothing is missing of the files
}

// bufferedMin is the least of max-buffered-bytes, in bytes, and bufferedBodies how many of the
// largest bodies it has to hold: one as it comes, one as it is sent, and a part that bodies may not
// fill.
const bufferedMin, bufferedBodies = 1 << 20, 3

// buffered checks that the largest request body can be held.
func (k checking) buffered() {
	n, least := k.Server.MaxBufferedBytes, max(bufferedMin, bufferedBodies*k.Server.MaxBodyBytes)
	if n == 0 || n >= least || k.Has("server.max-body-bytes") {
		return
	}
	k.AddAt(k.root.Find("server", "max-buffered-bytes"), strconv.FormatInt(n, 10),
		fmt.Sprintf("is less than %d MiB and %d times server.max-body-bytes",
			bufferedMin>>20, bufferedBodies),
		fmt.Sprintf("write %d or more, or lower server.max-body-bytes", least))
}

// database checks that replicas that share a Redis share the control database too.
func (k checking) database() {
	folder := k.Server.DataDirectory
	alone := folder != "" && k.Database.URL == ""
	shared := k.Redis != nil && k.RateLimit.Store != StoreMemory
	if alone && shared && k.Profile == profileProd {
		k.AddAt(k.root.Find("server", "data-directory"), binding.Quote(folder),
			"is of one replica, and others that share the Redis would not know its keys",
			"set database.url, or remove it")
	}
}

// addresses checks that operators and clients do not share one by two names.
func (k checking) addresses() {
	address, problem := k.Management.Address, "is server.address too"
	if !collide(address, k.Server.Address) {
		return
	}
	if address != k.Server.Address {
		problem = "has the port of server.address (" + k.Server.Address +
			"), and one of the two is every interface"
	}
	k.AddAt(k.root.Find("management", "address"), binding.Quote(address), problem,
		"write another port, or remove it: operators then share the listener for clients")
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
	v4 := host == "0.0.0.0" && !strings.Contains(other, ":")
	return v4 || host == "" || host == "::"
}

var (
	modelKeys   = []string{"token", "rate-limit", "models"}
	serviceKeys = []string{"vllm", "services"}
)

const (
	modelPath   binding.Path = "token.rate-limit.models"
	servicePath binding.Path = "vllm.services"
)

// empty reports a configuration that serves nothing, which is that of a wrong directory
// or profile, unless another mistake may be the reason.
func (k checking) empty() {
	if len(k.Services) > 0 || !k.whole || k.Has("vllm") || k.UnknownAtTop {
		return
	}
	at := binding.Position{File: k.root.At.File}
	if section := k.root.Find(serviceKeys...); section.Given() {
		at = section.At
	}
	k.Add(at, servicePath, "", "has no model", "add vllm.services.NAME: http://host:8000")
}

// services checks that each has an address, and no mock in production.
func (k checking) services() {
	section := k.root.Find(serviceKeys...)
	for name, s := range k.Services {
		e := section.Entry(name)
		if len(s.Servers) == 0 && k.whole && !k.Has(e.Value.Path) {
			k.AddKey(e, "", "has no endpoint", "write endpoints: [http://host:8000]")
		}
		if k.Profile == profileProd && slices.Contains(s.Servers, MockServer) {
			k.AddKey(e, binding.Quote(string(MockServer)),
				"is not allowed in profile "+profileProd, "write the address of a model server")
		}
		k.service(s, e.Value)
		if s.ShareLimitsWith != "" {
			k.sharing(name, s.ShareLimitsWith, e.Value.Get("share-limits-with"))
		}
	}
}

// service checks what is set of one service.
func (k checking) service(s Service, n *binding.Node) {
	for i, url := range s.Servers {
		if url != "" && slices.Contains(s.Servers[:i], url) { // "": it is none
			k.Add(n.At, n.Path.Key("endpoints"), binding.Quote(string(url)),
				"is listed twice", "list each address once")
		}
	}
	if s.BreakerFailures > s.BreakerOutcomes && !k.Has(n.Path.Key("breaker-outcomes")) {
		k.Add(n.At, n.Path.Key("breaker-failures"), strconv.FormatInt(s.BreakerFailures, 10),
			fmt.Sprintf("is more than breaker-outcomes (%d) and would never be reached",
				s.BreakerOutcomes), "write 0 for never")
	}
}

// sharing checks that a service shares the limits of one that has its own; n says so.
func (k checking) sharing(name, with string, n *binding.Node) {
	other, served := k.Services[with]
	_, limited := k.RateLimit.Models[name]
	shown := binding.Quote(with)
	switch {
	case with == name:
		k.AddAt(n, shown, "is the model itself", "remove it: a model has its own limits anyway")
	case !served && !k.whole:
	case !served:
		remedy := "write the public name of a served model"
		if near := binding.Similar(with, slices.Sorted(maps.Keys(k.Services))); near != "" {
			remedy = "did you mean " + binding.Quote(near) + "?"
		}
		k.AddAt(n, shown, "is not served", remedy)
	case other.ShareLimitsWith == name:
		k.AddAt(n, shown, "shares the limits of "+binding.Quote(name)+" itself",
			"remove one of the two")
	case other.ShareLimitsWith != "":
		k.AddAt(n, shown, "shares another's limits itself",
			"write "+binding.Quote(other.ShareLimitsWith))
	case limited:
		k.AddKey(k.root.Find(modelKeys...).Entry(name), "",
			"has limits of its own and shares those of "+shown, "remove one of the two")
	}
}

// models checks that whatever has limits is served: a misspelt name would
// leave the model that is meant without its limits.
func (k checking) models() {
	services := k.root.Find(serviceKeys...)
	if !k.whole || services.Given() && services.Kind != binding.MapKind {
		return
	}
	served := slices.Sorted(maps.Keys(k.Services))
	section := k.root.Find(modelKeys...)
	for name := range k.RateLimit.Models {
		if _, ok := k.Services[name]; ok {
			continue
		}
		remedy := "add " + string(servicePath.Key(name)) + ": http://host:8000"
		if near := binding.Similar(name, served); near != "" {
			remedy += ", or did you mean " + binding.Quote(near) + "?"
		}
		k.AddKey(section.Entry(name), "", "has no service", remedy)
	}
}

func (k checking) redis() {
	if k.RateLimit.Store == StoreRedis && k.Redis == nil && k.whole {
		k.AddAt(k.root.Find("token", "rate-limit", "store"), binding.Quote(string(StoreRedis)),
			"has no section redis", "add redis: with host and port, or write memory")
	}
}

// pairs checks that a certificate has its key.
func (k checking) pairs() {
	for _, section := range []string{"server", "redis"} {
		n := k.root.Find(section, "tls")
		certificate, key := n.Get("certificate"), n.Get("key")
		if given(certificate) != given(key) && k.whole && !k.Has(n.Path) {
			k.AddAt(n, "", "has one of certificate and key", "write both or none")
		}
	}
}

// given reports whether a text was written, and is not empty.
func given(n *binding.Node) bool { return n != nil && n.Text != "" }

// apiKeys checks that a key has what it needs, and stands for one user only.
func (k checking) apiKeys() {
	list := k.root.Find("auth", "api-keys")
	names, hashes := map[string]int{}, map[string]int{}
	for i, a := range k.Auth.APIKeys {
		n := list.Items[i]
		if missing := a.missing(); len(missing) > 0 && !k.Has(n.Path) {
			k.AddAt(n, "", "has no "+binding.Either(missing), "write name, user, hash and roles")
		}
		_, err := identity.NewReach(a.Models, nil)
		if reach, ok := errors.AsType[*identity.ReachError](err); ok && reach.Index < 0 {
			k.AddAt(n.Get("models"), "", reach.Problem, "write patterns such as llama2-*")
		}
		k.unique(n, "name", names, a.Name, i)
		k.unique(n, "hash", hashes, a.Hash, i)
	}
}

func (k checking) unique(n *binding.Node, what string, seen map[string]int, value string, i int) {
	if value == "" {
		return // it is missing or wrong
	}
	if first, ok := seen[value]; ok {
		k.AddAt(n, "", fmt.Sprintf("has the %s of auth.api-keys[%d]", what, first),
			"give each key its own")
		return
	}
	seen[value] = i
}

// Check returns what is wrong with a key that no file has, by its name. What is wrong with the
// hash is for whoever uses it to say.
func (a APIKey) Check() error {
	if missing := a.missing(); len(missing) > 0 {
		return fmt.Errorf("the API key %q has no %s", a.Name, binding.Either(missing))
	}
	if len(a.User) > limit.NameBytesMax || !utf8.ValidString(a.User) {
		return fmt.Errorf("the user of the API key %q is no text of at most %d bytes",
			a.Name, limit.NameBytesMax)
	}
	for _, r := range a.Roles {
		if err := r.CheckName(); err != nil {
			return fmt.Errorf("the role %q of the API key %q: %w", r, a.Name, err)
		}
	}
	if _, err := identity.NewReach(a.Models, a.Endpoints); err != nil {
		return fmt.Errorf("the API key %q: %w", a.Name, err)
	}
	return nil
}

// missing names the settings that a key lacks.
func (a APIKey) missing() (names []string) {
	for i, lacks := range []bool{a.Name == "", a.User == "", a.Hash == "", len(a.Roles) == 0} {
		if lacks {
			names = append(names, [...]string{"name", "user", "hash", "roles"}[i])
		}
	}
	return names
}
