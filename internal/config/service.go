package config

import (
	"cmp"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// Service is the model server of one public model name.
type Service struct {
	Servers          []ServerURL   // never empty
	CAFile           string        // authorities to trust; "" for the system's
	ServedAs         string        // the model's name at the server; never empty
	APIKey           string        // secret; sent to the server; "" for none
	ContextLength    int64         // tokens; 0 when unknown
	ConnectTimeout   time.Duration // for a connection
	FirstByteTimeout time.Duration // of streams
	ResponseTimeout  time.Duration // of everything else
	IdleTimeout      time.Duration // between two events of a stream
	HealthInterval   time.Duration // between two questions whether a model server is well
	BreakerFailures  int64         // among the last BreakerOutcomes that open a breaker; 0: never
	BreakerOutcomes  int64
	BreakerWait      time.Duration // for which it stays open
	ShareLimitsWith  string        // public name whose limits and accounts it uses; "": its own
	ForwardHeaders   []string      // request headers passed on beside the usual ones
	AllowFields      []string      // body fields passed on that are held back or unknown otherwise
	UnknownFields    UnknownFields // what happens to the other unknown ones
}

// ServerURL is the http or https address of a model server, with no slash at its end; or
// MockServer.
type ServerURL string

// MockServer stands for a mock model server in this process.
const MockServer ServerURL = "mock:"

// LimitsOf returns the limits that the served model called name has, and the model whose they are.
func (c *Config) LimitsOf(name string) (owner string, limits Model) {
	owner = cmp.Or(c.Services[name].ShareLimitsWith, name)
	return owner, c.RateLimit.Models[owner]
}

func defaultService(name string) Service {
	return Service{
		ServedAs:         name,
		ConnectTimeout:   2 * time.Second,
		FirstByteTimeout: 5 * time.Minute,
		ResponseTimeout:  10 * time.Minute,
		IdleTimeout:      time.Minute,
		HealthInterval:   5 * time.Second,
		BreakerFailures:  5,
		BreakerOutcomes:  10,
		BreakerWait:      5 * time.Second,
		UnknownFields:    UnknownDrop,
	}
}

// shortForm is a service that may be written as its only address.
type shortForm struct {
	binding.Object
	list *[]ServerURL
}

func (s shortForm) Decode(r *binding.Report, n *binding.Node) {
	switch n.Kind {
	case binding.ScalarKind:
		*s.list = make([]ServerURL, 1)
		server(&(*s.list)[0]).Decode(r, n)
	case binding.ListKind:
		r.AddAt(n, "", "is a list where an address or the settings of a model are expected",
			"write endpoints: before the list, as in endpoints: [http://a:8000, http://b:8000]")
		binding.List[ServerURL]{To: s.list, Item: server}.Decode(r, n)
	default:
		s.Object.Decode(r, n)
	}
}
