package config

import (
	"net/netip"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Config is everything that can be set, validated and with defaults filled
// in. It is immutable: to change a setting, change the file and Load again.
type Config struct {
	Profile       string // the profile that was laid over application.yml; "" for none
	Server        Server
	Management    Management
	Redis         *Redis // nil when no Redis is configured
	Database      Database
	RateLimit     RateLimit
	Services      map[string]Service // holds the model servers by public model name
	Auth          Auth
	Logging       Logging
	VariableFiles []string // the files that variables were read from (NAME_FILE)
	// Warnings is what is right and probably not meant, in the order of the files' lines.
	Warnings binding.Errors
}

// Server is the listener for clients.
type Server struct {
	Address           string // host:port; an empty host is every interface
	DataDirectory     string // where SQLite keeps what is changed while running; "": nowhere
	MaxBodyBytes      int64
	MaxBufferedBytes  int64 // of bodies and answers held at once; 0: by the memory that there is
	MaxHeaderBytes    int64
	ReadHeaderTimeout time.Duration
	BodyTimeout       time.Duration // for the whole request body
	IdleTimeout       time.Duration // of a kept-alive connection
	DrainDelay        time.Duration // from SIGTERM until requests are refused; readiness is off
	DrainTimeout      time.Duration // for running requests at shutdown; 0: none
	TLS               ServerTLS
	PlainHTTP         PlainHTTP
	CORSOrigins       []string       // web pages that may read answers; "*": all; empty: none
	TrustedProxies    []netip.Prefix // whose X-Forwarded-For is believed
}

// Management is what operators look at. The zero value: on the listener for clients, no profiles.
type Management struct {
	Address string // host:port of a listener of its own; "": none
	Pprof   bool   // profiles of the process, for admins
}

// ServerTLS is the encryption of the listener for clients. The zero value is none.
type ServerTLS struct {
	Certificate string // file of the certificate and those that vouch for it; "" for no encryption
	Key         string // file of its key
}

// Enabled reports whether the listener is encrypted.
func (t ServerTLS) Enabled() bool { return t.Certificate != "" }

// Redis is the shared store.
type Redis struct {
	Host     string
	Port     int64
	Database int64
	Username string // "" for the default user
	Password string // secret; "" for none
	Timeout  time.Duration
	Mode     string // how replicas use it: modeStrict
	TLS      RedisTLS
}

// RedisTLS is the encryption of the connection to Redis. The zero value is none.
type RedisTLS struct {
	Enabled     bool
	CAFile      string // "" trusts the system's authorities
	Certificate string // client certificate file; "" for none
	Key         string // file of the client certificate's key
	ServerName  string // name to verify; "" for the host
}

// Database is the control database, which replicas share.
type Database struct {
	URL      string // of PostgreSQL; secret; "": SQLite in Server.DataDirectory, or none
	Password string // counts before one in URL; secret; "": that of URL
	// Notifications has PostgreSQL tell of changes at once, over a connection of its own.
	Notifications bool
}

// Auth says who may come in.
type Auth struct {
	Enabled bool // false: everybody is admin, X-User-ID names the user
	APIKeys []APIKey
	JWT     JWT
}

// APIKey is one accepted key. The key itself is never stored.
type APIKey struct {
	Name string // for people and logs; unique
	User string // whose accounts are charged; at most 256 bytes
	// Tenant is that of the user, by the name that it has outside; "": the default one.
	Tenant string
	Hash   string          // secret; "sha256:" and 64 lower-case hexadecimal digits
	Roles  []identity.Role // never empty
	ActAs  bool            // X-User-ID may name another user
	// Models and Endpoints are the lists of the key's reach, as identity.NewReach takes them.
	Models, Endpoints []string
}

// Logging says what is written to standard error.
type Logging struct {
	Level     LogLevel
	Format    LogFormat
	HashUsers bool // write a hash instead of user names, and no addresses of clients
}

// defaults is the configuration of empty files.
func defaults() *Config {
	return &Config{
		Server: Server{
			Address:           ":8080",
			MaxBodyBytes:      10 << 20,
			MaxHeaderBytes:    64 << 10,
			ReadHeaderTimeout: 5 * time.Second,
			BodyTimeout:       30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			PlainHTTP:         PlainHTTPOwn,
			DrainTimeout:      30 * time.Second,
		},
		RateLimit: defaultRateLimit(),
		Services:  map[string]Service{},
		Database:  Database{Notifications: true},
		Auth:      Auth{Enabled: true},
		Logging:   Logging{Level: LevelInfo, Format: FormatJSON},
	}
}

func defaultRedis() *Redis {
	return &Redis{Host: "localhost", Port: 6379, Timeout: 50 * time.Millisecond, Mode: modeStrict}
}
