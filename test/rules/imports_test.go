package rules_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/token-rate-limiter/token-rate-limiter/"

// imports says what each package may import beside the standard library:
// packages of this module by their folders, others by their paths. What a
// package no longer needs is taken away from it here too.
var imports = map[string][]string{
	"cmd/token-rate-limiter": {
		"github.com/alecthomas/kong", "github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext", "github.com/goccy/go-yaml",
		"golang.org/x/crypto/x509roots/fallback",
		"internal/admin", "internal/admin/registrar", "internal/app", "internal/certificate", "internal/config", "internal/identity", "internal/mockvllm", "internal/registry",
		"internal/telemetry",
	},
	"internal/app": {
		"github.com/KimMachineGun/automemlimit/memlimit",
		"github.com/prometheus/client_golang/prometheus",
		"github.com/prometheus/client_golang/prometheus/collectors",
		"github.com/prometheus/client_golang/prometheus/promhttp",
		"github.com/rs/cors",
		"internal/admin", "internal/admin/registrar", "internal/buffer", "internal/catalog", "internal/certificate", "internal/config", "internal/control", "internal/descriptor", "internal/file", "internal/fleet", "internal/gate",
		"internal/identity", "internal/jwt", "internal/jwt/keyset", "internal/limit", "internal/listener", "internal/mockvllm", "internal/outcome", "internal/proxy", "internal/registry", "internal/registry/database", "internal/registry/disk", "internal/reply", "internal/store/memory", "internal/store/redis", "internal/telemetry", "internal/upstream",
		"internal/usage",
	},

	// What is wanted, over the configuration.
	"internal/control": {"github.com/fsnotify/fsnotify", "internal/config"},

	// Who there is.
	"internal/registry":      {"internal/identity"},
	"internal/registry/disk": {"internal/identity", "internal/registry"},
	"internal/registry/database": {
		"github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn", "github.com/jackc/pgx/v5/stdlib",
		"internal/identity", "internal/registry", "modernc.org/sqlite", "modernc.org/sqlite/lib",
	},

	// Whose a token is, and the keys of those who sign tokens.
	"internal/jwt": {
		"github.com/go-json-experiment/json/jsontext", "github.com/golang-jwt/jwt/v5", "internal/identity",
	},
	"internal/jwt/keyset": {"github.com/go-json-experiment/json", "internal/certificate", "internal/jwt"},

	// The edges: they know neither a store nor the configuration.
	"internal/proxy": {
		"github.com/go-json-experiment/json", "github.com/prometheus/client_golang/prometheus", "internal/admission",
		"internal/buffer", "internal/catalog", "internal/failure", "internal/gate", "internal/identity", "internal/limit",
		"internal/outcome", "internal/reply", "internal/telemetry", "internal/upstream", "internal/wire",
		"internal/wire/answer", "internal/wire/chars", "internal/wire/event", "internal/wire/jsonscan",
		"internal/wire/request", "internal/wire/sse",
	},
	"internal/admin/registrar": {
		"github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext", "internal/failure", "internal/gate",
		"internal/identity", "internal/limit", "internal/registry", "internal/reply",
	},
	"internal/admin": {"internal/catalog", "internal/failure", "internal/gate", "internal/identity", "internal/limit", "internal/reply"},
	"internal/gate":  {"internal/failure", "internal/identity", "internal/reply", "internal/telemetry"},
	"internal/outcome": {
		"internal/admission", "internal/catalog", "internal/failure", "internal/limit", "internal/telemetry", "internal/usage",
		"internal/wire",
	},
	"internal/reply":   {"github.com/go-json-experiment/json", "internal/failure", "internal/wire", "internal/wire/answer"},
	"internal/catalog": {"internal/limit", "internal/telemetry", "internal/upstream", "internal/usage"},

	// The core.
	"internal/limit":    {},
	"internal/identity": {"internal/limit", "internal/wire"},
	"internal/failure":  {},
	"internal/usage":    {"internal/wire", "internal/wire/chars", "internal/wire/request"},

	// What is read and written on the wire. jsonscan, sse and chars know no product.
	"internal/wire":          {"github.com/go-json-experiment/json/jsontext", "internal/failure"},
	"internal/wire/jsonscan": {},
	"internal/wire/sse":      {},
	"internal/wire/chars":    {"internal/wire/jsonscan"},
	"internal/wire/event":    {"internal/wire", "internal/wire/jsonscan", "internal/wire/sse"},
	"internal/wire/metering": {"internal/wire", "internal/wire/chars", "internal/wire/event", "internal/wire/jsonscan"},
	"internal/wire/member":   {"internal/wire"},
	"internal/wire/openai": {
		"internal/wire", "internal/wire/event", "internal/wire/jsonscan", "internal/wire/metering",
	},
	"internal/wire/anthropic": {"internal/wire", "internal/wire/event", "internal/wire/metering"},
	"internal/wire/request": {
		"github.com/go-json-experiment/json/jsontext", "internal/failure", "internal/wire",
		"internal/wire/chars", "internal/wire/jsonscan", "internal/wire/member",
	},
	"internal/wire/answer": {
		"internal/wire", "internal/wire/anthropic", "internal/wire/chars", "internal/wire/event", "internal/wire/jsonscan",
		"internal/wire/metering", "internal/wire/openai", "internal/wire/sse",
	},

	// What is charged for a request, over the core.
	"internal/admission": {
		"internal/limit", "internal/usage", "internal/wire", "internal/wire/answer", "internal/wire/chars",
		"internal/wire/metering", "internal/wire/request",
	},

	// Beside the core.
	"internal/buffer":       {},
	"internal/listener":     {"internal/certificate", "internal/descriptor", "internal/http1"},
	"internal/fleet":        {"internal/certificate", "internal/httpclient", "internal/upstream"},
	"internal/descriptor":   {},
	"internal/certificate":  {"internal/descriptor", "internal/file"},
	"internal/file":         {},
	"internal/store/memory": {"internal/limit"},
	"internal/store/redis":  {"github.com/redis/rueidis", "internal/descriptor", "internal/limit"},
	"internal/telemetry": {
		"github.com/go-logr/logr", "github.com/prometheus/client_golang/prometheus",
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes",
		"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp", "go.opentelemetry.io/otel/propagation",
		"go.opentelemetry.io/otel/sdk/resource", "go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/trace",
		"golang.org/x/net/http/httpguts",
	},
	"internal/upstream":   {"internal/descriptor", "internal/httpclient"},
	"internal/httpclient": {"internal/httpsyntax"},
	"internal/http1":      {"internal/httpsyntax"},
	"internal/httpsyntax": {},
	"internal/config":     {"internal/binding", "internal/file", "internal/httpsyntax", "internal/identity", "internal/jwt", "internal/limit"},
	"internal/binding": {
		"github.com/goccy/go-yaml", "github.com/goccy/go-yaml/ast", "github.com/goccy/go-yaml/lexer",
		"github.com/goccy/go-yaml/parser", "github.com/goccy/go-yaml/token",
	},

	// For tests and demonstrations.
	"internal/mockvllm": {
		"github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext", "internal/wire",
		"internal/wire/member", "internal/wire/request",
	},
	"internal/limit/limittest": {"github.com/google/go-cmp/cmp", "internal/limit"},
	"internal/redistest":       {},
	"internal/postgrestest":    {"github.com/jackc/pgx/v5/stdlib"},
	"internal/tlstest":         {},
	"internal/apptest": {
		"internal/admin", "internal/app", "internal/config", "internal/control", "internal/gate", "internal/limit", "internal/mockvllm", "internal/tlstest",
	},
}

// speakHTTP are the packages that may import net/http, those of wire and telemetry for the
// numbers of statuses only.
var speakHTTP = []string{
	"cmd/token-rate-limiter", "internal/admin", "internal/admin/registrar", "internal/app", "internal/apptest", "internal/gate", "internal/http1", "internal/httpclient", "internal/jwt/keyset", "internal/listener",
	"internal/mockvllm",
	"internal/outcome", "internal/proxy", "internal/reply", "internal/telemetry", "internal/tlstest", "internal/upstream",
	"internal/wire", "internal/wire/anthropic", "internal/wire/event",
}

func TestImports(t *testing.T) {
	folders := map[string]bool{}
	for _, p := range packages(t) {
		folders[p.folder] = true
		may, listed := imports[p.folder]
		if !listed {
			t.Errorf("%s is not in the table of imports", p.folder)
		}
		does := slices.DeleteFunc(p.imports(), inStandardLibrary)
		for _, i := range does {
			if !slices.Contains(may, i) {
				t.Errorf("%s must not import %s; a new arrow is a decision: docs/development/coding-standards.md", p.folder, i)
			}
		}
		for _, i := range may {
			if !slices.Contains(does, i) {
				t.Errorf("%s no longer imports %s: take it out of the table", p.folder, i)
			}
		}
	}
	for folder := range imports {
		if !folders[folder] {
			t.Errorf("the table has %s, which is no package", folder)
		}
	}
}

func TestWhoSpeaksHTTP(t *testing.T) {
	var got []string
	for _, p := range packages(t) {
		if slices.Contains(p.imports(), "net/http") {
			got = append(got, p.folder)
		}
	}
	if diff := cmp.Diff(speakHTTP, got); diff != "" {
		t.Errorf("packages that import net/http (-the table +the code):\n%s", diff)
	}
}

// TestTable holds the table itself to what must stay true of it.
func TestTable(t *testing.T) {
	for folder, list := range imports {
		for _, i := range list {
			for _, r := range []struct {
				what   string
				only   []string // who may import it
				breaks bool
			}{
				{"the configuration", []string{"cmd/token-rate-limiter", "internal/app", "internal/apptest", "internal/control"}, i == "internal/config"},
				{"the binder", []string{"internal/config"}, i == "internal/binding"},
				{"something of this product", nil, folder == "internal/binding" && strings.HasPrefix(i, "internal/")},
				{"a store", []string{"internal/app"}, strings.HasPrefix(i, "internal/store/")},
				{"the Redis client", []string{"internal/store/redis"}, strings.HasPrefix(i, "github.com/redis/")},
				{"the stand-in model server", []string{"cmd/token-rate-limiter", "internal/app", "internal/apptest"}, i == "internal/mockvllm"},
				{"a driver of a database", []string{"internal/registry/database", "internal/postgrestest"}, strings.HasPrefix(i, "github.com/jackc/") || strings.HasPrefix(i, "modernc.org/")},
				{"the library of JWTs", []string{"internal/jwt"}, strings.HasPrefix(i, "github.com/golang-jwt/")},
				{"a control database", []string{"internal/app"}, i == "internal/registry/database" || i == "internal/registry/disk"},
				{"a package for tests", []string{"internal/apptest"}, slices.Contains([]string{"apptest", "redistest", "postgrestest", "limittest", "tlstest"}, path.Base(i))},
			} {
				if r.breaks && !slices.Contains(r.only, folder) {
					t.Errorf("%s imports %s, which is %s", folder, i, r.what)
				}
			}
		}
	}
	for folder, may := range map[string][]string{
		"internal/admission": {
			"internal/limit", "internal/usage", "internal/wire", "internal/wire/answer", "internal/wire/chars",
			"internal/wire/metering", "internal/wire/request",
		},
		"internal/limit": {}, "internal/failure": {}, "internal/identity": {"internal/limit", "internal/wire"}, "internal/httpsyntax": {},
		"internal/upstream": {"internal/descriptor", "internal/httpclient"}, "internal/httpclient": {"internal/httpsyntax"}, "internal/http1": {"internal/httpsyntax"},
	} {
		if diff := cmp.Diff(may, imports[folder]); diff != "" {
			t.Errorf("beside the standard library, %s imports more or less than it should (-may +does):\n%s", folder, diff)
		}
	}
}

// inStandardLibrary tells paths of the standard library by their first part,
// which has no dot, and folders of this module apart from them.
func inStandardLibrary(i string) bool {
	first, _, _ := strings.Cut(i, "/")
	return !strings.Contains(first, ".") && first != "internal" && first != "cmd"
}
