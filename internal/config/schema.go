package config

import (
	"net/netip"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// schema binds every key of the files to c. Order matters in one place only:
// settings that others inherit come before those.
func (c *Config) schema() binding.Object {
	return binding.Object{
		{"server", "The listener for clients.", c.Server.schema()},
		{"management", "What operators look at: `/actuator`, and profiles.", c.Management.schema()},
		{"redis", "The shared store. Without this section accounts are kept in memory.",
			binding.Optional[Redis]{To: &c.Redis, Fresh: defaultRedis, Schema: (*Redis).schema}},
		{"database", "The control database, which keeps keys that are issued while the gateway " +
			"runs.", c.Database.schema()},
		{"token", "Tokens.", binding.Object{
			{"rate-limit", "Limits and how they are applied.", c.RateLimit.schema()},
		}},
		{"vllm", "Model servers.", binding.Object{
			{"services", "The model servers by public model name.", c.services()},
		}},
		{"auth", "Who may come in.", c.Auth.schema()},
		{"logging", "What is written to standard error.", c.Logging.schema()},
	}
}

func (s *Server) schema() binding.Object {
	return binding.Object{
		instead("host", "write address: HOST:PORT"),
		instead("ssl", "write tls: {certificate: FILE, key: FILE}"),
		instead("shutdown", "remove it: running requests always go on, for drain-timeout"),
		{"address", "Where the gateway listens.", address(&s.Address, listenAddress)},
		{"data-directory", "Folder where SQLite keeps the control database of one gateway, or, " +
			"with `database.url`, a copy of the keys for a start while that is away; made where " +
			"it is missing; empty, and without `database.url`: there is none.",
			binding.FileName(&s.DataDirectory)},
		{"max-body-bytes", "Largest request body.", binding.Integer(&s.MaxBodyBytes, 1, 1<<30)},
		{"max-buffered-bytes", "Most bytes of request bodies and answers held at once, " +
			"over all requests; 0: a quarter of the process's memory limit, " +
			"or of the machine's memory where there is none.",
			binding.Integer(&s.MaxBufferedBytes, 0, 1<<50)},
		{"max-header-bytes", "Largest request head.",
			binding.Integer(&s.MaxHeaderBytes, 1024, 16<<20)},
		{"read-header-timeout", "How long a client may take to send a request head.",
			timeout(&s.ReadHeaderTimeout)},
		{"body-timeout", "How long a client may take to send a request body.",
			timeout(&s.BodyTimeout)},
		{"idle-timeout", "How long a connection is kept without a request.",
			timeout(&s.IdleTimeout)},
		{"drain-delay", "How long requests are still served after SIGTERM or SIGINT while " +
			"readiness answers 503 already, for load balancers to notice.",
			binding.Duration(&s.DrainDelay, 0)},
		{"drain-timeout", "How long running requests may go on after SIGTERM or SIGINT; " +
			"a second signal cuts them off.", binding.Duration(&s.DrainTimeout, 0)},
		{"plain-http", "Which server reads requests that are not encrypted: " +
			"the gateway's `own`, or Go's `net-http`, which makes a chat a third dearer, " +
			"to find out whether the own one is at fault.",
			binding.Choice(&s.PlainHTTP, PlainHTTPOwn, PlainHTTPNet)},
		{"tls", "Encryption, with HTTP/2 and HTTP/1.1. " +
			"Changed files take effect without a restart.", binding.Object{
			{"certificate", "File of the certificate, followed by those that vouch for it (PEM); " +
				"empty: no encryption.", binding.FileName(&s.TLS.Certificate)},
			{"key", "File of the certificate's key (PEM).", binding.FileName(&s.TLS.Key)},
		}},
		{"cors", "Requests from web pages.", binding.Object{
			{"origins", "Pages that may send requests and read answers, by their origin; " +
				"`*`: all; empty: none.", binding.List[string]{To: &s.CORSOrigins, Item: origin}},
		}},
		{"trusted-proxies", "Addresses or networks of proxies whose `X-Forwarded-For` tells the " +
			"client's address, for the log.",
			binding.List[netip.Prefix]{To: &s.TrustedProxies, Item: binding.Network}},
	}
}

func (m *Management) schema() binding.Object {
	return binding.Object{
		instead("server", "write management: {address: HOST:PORT}"),
		instead("endpoints", "remove it: `/actuator` tells what there is"),
		instead("endpoint", "remove it: `/actuator` tells what there is"),
		{"address", "Where `/actuator` and profiles are served instead of on `server.address`, " +
			"not encrypted; empty: there.", address(&m.Address, binding.OrEmpty(listenAddress))},
		{"pprof", "Serve profiles of the process below `/debug/pprof/`, for the role admin.",
			binding.Boolean(&m.Pprof)},
	}
}

func (r *Redis) schema() binding.Target {
	return binding.Object{
		instead("url", "write host, port, username, password, database and tls.enabled, "+
			"as far as the address has them"),
		instead("ssl", "write tls: {enabled: true}"),
		{"host", "Name or address of the server.",
			binding.Guarded(binding.Text(&r.Host, binding.NotEmpty, hostName)).
				Wants("a name or an IP address")},
		{"port", "Its port.", binding.Integer(&r.Port, 1, 65535)},
		{"database", "Number of the database.", binding.Integer(&r.Database, 0, 1<<16)},
		{"username", "User; empty: the default user.", binding.Text(&r.Username)},
		{"password", "Password; empty: none.", binding.Secret(&r.Password)},
		{"timeout", "Deadline of one call.", timeout(&r.Timeout)},
		{"mode", "`strict` asks the store for every decision.",
			binding.Choice(&r.Mode, modeStrict)},
		{"tls", "Encryption of the connection.", binding.Object{
			{"enabled", "Encrypt the connection.", binding.Boolean(&r.TLS.Enabled)},
			{"ca-file", "Authorities to trust; empty: the system's.",
				binding.FileName(&r.TLS.CAFile)},
			{"certificate", "File of the client certificate.",
				binding.FileName(&r.TLS.Certificate)},
			{"key", "File of the client certificate's key.", binding.FileName(&r.TLS.Key)},
			{"server-name", "Name to verify; empty: the host.", binding.Text(&r.TLS.ServerName)},
		}},
	}
}

func (d *Database) schema() binding.Object {
	return binding.Object{
		{"url", "PostgreSQL's, as " +
			"postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full; " +
			"empty: SQLite in `server.data-directory`, or none.", binding.Secret(&d.URL)},
		{"password", "Its password, as it is; it counts before one in the URL, where some " +
			"letters would have to be written as %XX.", binding.Secret(&d.Password)},
		{"notifications", "Have PostgreSQL tell of changes at once, over one more connection. " +
			"Without them, and behind a pool of transactions, changes are asked for four times " +
			"a second.", binding.Boolean(&d.Notifications)},
	}
}

func (a *Auth) schema() binding.Object {
	return binding.Object{
		{"enabled", "`false` lets everybody in as admin, for development.",
			binding.Boolean(&a.Enabled)},
		{"api-keys", "The accepted keys.",
			binding.List[APIKey]{To: &a.APIKeys, Fresh: newAPIKey, Item: (*APIKey).schema}},
		{"jwt", "JWTs of identity providers.", a.JWT.schema()},
	}
}

func newAPIKey() APIKey { return APIKey{Roles: []identity.Role{identity.User}} }

func (k *APIKey) schema() binding.Target {
	return binding.Object{
		{"name", "Name of the key, for people and logs; unique.", name(&k.Name)},
		{"user", "Whose accounts it charges.", name(&k.User)},
		{"tenant", "Whose user that is; empty: of `default`. Users of the same name in two " +
			"tenants have accounts of their own.",
			binding.Text(&k.Tenant, binding.Printable, nameLength)},
		instead("key", "write hash: with what `token-rate-limiter key hash` prints for the key; "+
			"the key itself does not belong here"),
		{"hash", "What `token-rate-limiter key hash` prints.",
			binding.Masked(binding.Text(&k.Hash, keyHash)).
				Wants("sha256: and 64 hexadecimal digits")},
		{"roles", "What the key may do: `user` calls models, `viewer` looks at everything, " +
			"`tenant-admin` looks after keys and users, `admin` does all but call models; " +
			"none includes another. With a control database, also roles of it.",
			binding.List[identity.Role]{To: &k.Roles, Item: role}},
		{"act-as", "Whether `X-User-ID` may name another user; else that is a 403.",
			binding.Boolean(&k.ActAs)},
		{"models", "The models that the key may use, by their public names, in which each `*` " +
			"stands for any text; empty: all.",
			binding.List[string]{To: &k.Models, Item: modelPattern}},
		{"endpoints", "The endpoints that the key may use; empty: all.",
			binding.List[string]{To: &k.Endpoints, Item: endpoint}},
	}
}

func (l *Logging) schema() binding.Object {
	return binding.Object{
		{"level", "Lowest level that is written.",
			binding.Choice(&l.Level, LevelDebug, LevelInfo, LevelWarn, LevelError)},
		{"format", "Shape of a line.", binding.Choice(&l.Format, FormatJSON, FormatText)},
		{"hash-users", "Write a hash instead of user names, and no addresses of clients.",
			binding.Boolean(&l.HashUsers)},
	}
}

// instead is a key that others have, with what to write here.
func instead(key, remedy string) binding.Field {
	return binding.Field{Key: key, To: binding.Instead(remedy)}
}
