package config

import (
	"net/netip"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// field is one key of a map: its name, what it means (for the reference) and
// what it is bound to.
type field struct {
	key string
	doc string
	to  target
}

// target is where a value goes to and comes from. A target is bound to one
// Config and is used by one goroutine.
type target interface {
	// decode reads n, which is not null. Mistakes go to the report.
	decode(r *report, key path, n *node)
	// encode returns the value as it is printed, with scalars in YAML and
	// secrets masked; nil where the key is to be left out.
	encode() *node
}

// schema binds every key of the files to c. Order matters in one place only:
// settings that others inherit come before those.
func (c *Config) schema() object {
	return object{
		{"server", "The listener for clients.", c.Server.schema()},
		{"management", "What operators look at: `/actuator`, and profiles.", c.Management.schema()},
		{"redis", "The shared store. Without this section accounts are kept in memory.", optional[Redis]{&c.Redis, defaultRedis, (*Redis).schema}},
		{"token", "Tokens.", object{{"rate-limit", "Limits and how they are applied.", c.RateLimit.schema()}}},
		{"vllm", "Model servers.", object{{"services", "The model servers by public model name.", c.services()}}},
		{"auth", "Who may come in.", c.Auth.schema()},
		{"logging", "What is written to standard error.", c.Logging.schema()},
	}
}

func (s *Server) schema() object {
	return object{
		{key: "host", to: instead("write address: HOST:PORT")},
		{key: "ssl", to: instead("write tls: {certificate: FILE, key: FILE}")},
		{key: "shutdown", to: instead("remove it: running requests always go on, for drain-timeout")},
		{"address", "Where the gateway listens.", guarded(text(&s.Address, listenAddress)).wants("HOST:PORT")},
		{"max-body-bytes", "Largest request body.", integer(&s.MaxBodyBytes, 1, 1<<30)},
		{"max-buffered-bytes", "Most bytes of request bodies and answers held at once, over all requests; 0: a quarter of the process's memory limit, or of the machine's memory where there is none.",
			integer(&s.MaxBufferedBytes, 0, 1<<50)},
		{"max-header-bytes", "Largest request head.", integer(&s.MaxHeaderBytes, 1024, 16<<20)},
		{"read-header-timeout", "How long a client may take to send a request head.", duration(&s.ReadHeaderTimeout, time.Millisecond)},
		{"body-timeout", "How long a client may take to send a request body.", duration(&s.BodyTimeout, time.Millisecond)},
		{"idle-timeout", "How long a connection is kept without a request.", duration(&s.IdleTimeout, time.Millisecond)},
		{"drain-delay", "How long requests are still served after SIGTERM or SIGINT while readiness answers 503 already, for load balancers to notice.", duration(&s.DrainDelay, 0)},
		{"drain-timeout", "How long running requests may go on after SIGTERM or SIGINT; a second signal cuts them off.", duration(&s.DrainTimeout, 0)},
		{"plain-http", "Which server reads requests that are not encrypted: the gateway's `own`, or Go's `net-http`, which makes a chat a third dearer, to find out whether the own one is at fault.",
			choice(&s.PlainHTTP, PlainHTTPOwn, PlainHTTPNet)},
		{"tls", "Encryption, with HTTP/2 and HTTP/1.1. Changed files take effect without a restart.", object{
			{"certificate", "File of the certificate, followed by those that vouch for it (PEM); empty: no encryption.", file(&s.TLS.Certificate)},
			{"key", "File of the certificate's key (PEM).", file(&s.TLS.Key)},
		}},
		{"cors", "Requests from web pages.", object{
			{"origins", "Pages that may send requests and read answers, by their origin; `*`: all; empty: none.",
				texts[string]{&s.CORSOrigins, func(o *string) scalar {
					return guarded(text(o, webOrigin)).wants("origins such as https://chat.example.com")
				}}},
		}},
		{"trusted-proxies", "Addresses or networks of proxies whose `X-Forwarded-For` tells the client's address, for the log.",
			texts[netip.Prefix]{&s.TrustedProxies, network}},
	}
}

func (m *Management) schema() object {
	return object{
		{key: "server", to: instead("write management: {address: HOST:PORT}")},
		{key: "endpoints", to: instead("remove it: `/actuator` tells what there is")},
		{key: "endpoint", to: instead("remove it: `/actuator` tells what there is")},
		{"address", "Where `/actuator` and profiles are served instead of on `server.address`, not encrypted; empty: there.",
			guarded(text(&m.Address, orEmpty(listenAddress))).wants("HOST:PORT")},
		{"pprof", "Serve profiles of the process below `/debug/pprof/`, for the role admin.", boolean(&m.Pprof)},
	}
}

func (r *Redis) schema() target {
	return object{
		{key: "url", to: instead("write host, port, username, password, database and tls.enabled, as far as the address has them")},
		{key: "ssl", to: instead("write tls: {enabled: true}")},
		{"host", "Name or address of the server.", guarded(text(&r.Host, notEmpty, hostName)).wants("a name or an IP address")},
		{"port", "Its port.", integer(&r.Port, 1, 65535)},
		{"database", "Number of the database.", integer(&r.Database, 0, 1<<16)},
		{"username", "User; empty: the default user.", text(&r.Username)},
		{"password", "Password; empty: none.", secret(&r.Password)},
		{"timeout", "Deadline of one call.", duration(&r.Timeout, time.Millisecond)},
		{"mode", "`strict` asks the store for every decision.", choice(&r.Mode, RedisStrict)},
		{"tls", "Encryption of the connection.", object{
			{"enabled", "Encrypt the connection.", boolean(&r.TLS.Enabled)},
			{"ca-file", "Authorities to trust; empty: the system's.", file(&r.TLS.CAFile)},
			{"certificate", "File of the client certificate.", file(&r.TLS.Certificate)},
			{"key", "File of the client certificate's key.", file(&r.TLS.Key)},
			{"server-name", "Name to verify; empty: the host.", text(&r.TLS.ServerName)},
		}},
	}
}

func (a *Auth) schema() object {
	return object{
		{"enabled", "`false` lets everybody in as admin, for development.", boolean(&a.Enabled)},
		{"api-keys", "The accepted keys.", records[APIKey]{&a.APIKeys, newAPIKey, (*APIKey).schema}},
	}
}

func newAPIKey() APIKey { return APIKey{Roles: []Role{RoleUser}} }

func (k *APIKey) schema() target {
	return object{
		{"name", "Name of the key, for people and logs; unique.", text(&k.Name, notEmpty, atMost(limit.NameBytesMax)).wants("1 to 256 bytes")},
		{"user", "Whose accounts it charges.", text(&k.User, notEmpty, atMost(limit.NameBytesMax)).wants("1 to 256 bytes")},
		{key: "key", to: instead("write hash: with what `token-rate-limiter key hash` prints for the key; the key itself does not belong here")},
		{"hash", "What `token-rate-limiter key hash` prints.", masked(text(&k.Hash, keyHash)).wants("sha256: and 64 hexadecimal digits")},
		{"roles", "What the key may do: `user` calls models, `admin` sees and changes what concerns others too; neither includes the other.", texts[Role]{&k.Roles, func(r *Role) scalar { return choice(r, RoleUser, RoleAdmin) }}},
		{"act-as", "Whether `X-User-ID` may name another user; else that is a 403.", boolean(&k.ActAs)},
	}
}

func (l *Logging) schema() object {
	return object{
		{"level", "Lowest level that is written.", choice(&l.Level, LevelDebug, LevelInfo, LevelWarn, LevelError)},
		{"format", "Shape of a line.", choice(&l.Format, FormatJSON, FormatText)},
		{"hash-users", "Write a hash instead of user names, and no addresses of clients.", boolean(&l.HashUsers)},
	}
}
