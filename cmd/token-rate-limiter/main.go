// Command token-rate-limiter holds users of self-hosted language models to tokens per minute, hour
// and day. It is a gateway in front of OpenAI-compatible model servers; see the README.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// texts are the help's texts that are too long for the tags of their fields.
var texts = kong.Vars{
	"check":   "Validate the configuration and print it as it takes effect, with secrets masked.",
	"mock":    "Run a stand-in for vLLM, for development and tests.",
	"usage":   "Show what a user has used, holds and has left on a model, from a running gateway.",
	"config":  "Folder of application.yml and application-<profile>.yml (configs).",
	"profile": "Profile laid over application.yml; else PROFILE, then SPRING_PROFILES_ACTIVE.",
	"address": "Address to listen on, in place of server.address.",
	"url":     "Address of the gateway (http://127.0.0.1:8080).",
	"ca": "Authorities to trust for https, such as the gateway's own certificate; " +
		"else the system's.",
	"server": "Name that the gateway's certificate is for, where it is not the address's.",
	"key": "API key with the role admin; " +
		"better given in the environment variable TOKEN_RATE_LIMITER_KEY.",
	"key_hash": "Read a key on standard input and print the hash for auth.api-keys.",
	"token_explain": "Read a JWT on standard input and say which checks of auth.jwt it passes, " +
		"and what it makes of its user.",
	"user_hash": "Print the hash that the log has in place of a user's name, " +
		"with logging.hash-users.",
	"user_list":      "List the users of a tenant of which something is kept.",
	"user_show":      "Show what is kept of a user.",
	"user_disable":   "Keep a user out, whatever the credential, until user enable.",
	"user_enable":    "Let a user in again.",
	"tenant_list":    "List the tenants of which something is kept.",
	"tenant_disable": "Keep everybody of a tenant out, until tenant enable.",
	"tenant_enable":  "Let those of a tenant in again.",
	"role_list":      "List the roles that there always are, and those that somebody has made.",
	"role_show":      "Show a role.",
	"role_set":       "Make a role, or have it give something else from now on.",
	"role_delete":    "Delete a role that no key names.",
	"role_permissions": "What the role gives, in every tenant, such as keys:read; may be given " +
		"more than once.",
	"tenant_permissions": "What the role gives in the tenant of whoever has it; may be given " +
		"more than once.",
	"key_create": "Create a key in the control database and print its secret, once.",
	"key_models": "Model that it may use, or a pattern such as llama2-*; may be given more than " +
		"once; none: all.",
	"key_endpoints": "Endpoint that it may use, such as chat_completions; may be given more " +
		"than once; none: all.",
	"key_list": "List the keys of the control database.",
	"key_identify": "Read a secret that was found somewhere on standard input " +
		"and tell whose it is.",
	"key_of_hash": "Hash of a secret that its owner has made, as key hash prints it; then no " +
		"secret is made.",
	"of_state":   "Only keys that are active, expired or revoked.",
	"output":     "table, json or yaml.",
	"key_rotate": "Give a key a new secret and print it, once; the id stays.",
	"key_revoke": "End a key, with all its secrets, for ever.",
	"overlap":    "How long the secrets before stay good (0s: they end at once).",
	"expires":    "When the key ends, from now; 0s: never.",
	"key_id":     "Id of the key, as list tells it.",
	"of_user":    "Only keys of this user.",
	"reason":     "Why, for the audit.",
	"wait": "Wait until every gateway that follows the control database has applied the change: " +
		"--wait=TIME, or 30s.",
	"audit":      "Look at the records of changes in the control database.",
	"audit_list": "Print who changed what and when.",
	"audit_verify": "Check that no record was changed, taken out or put elsewhere, " +
		"and print the sum of the last one.",
	"audit_order":    "oldest or newest first; else the last records, the oldest of them first.",
	"audit_after":    "Go on after this revision, in the order that is printed.",
	"audit_limit":    "Print so many at most (100).",
	"bootstrap":      "Create a key with the role admin in the control database.",
	"bootstrap_user": "User of the key (admin).",
	"bootstrap_name": "Name of the key, for people (bootstrap).",
	"secret_file": "File to make for the secret, for nobody else to read; " +
		"else it goes to standard output.",
	"roles":  "Some of " + identity.RoleList() + ", and of the custom ones (role list).",
	"listen": "Address to listen on (127.0.0.1:8000).",
	"model":  "Model to serve; may be given more than once.",
	"ledger": "File to append the books to, a line of JSON per request that has ended.",
	"first":  "Time to the first token of an answer (0s).",
}

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway."`
	Check       checkCommand       `cmd:"" help:"${check}"`
	MockVLLM    mockCommand        `cmd:"" name:"mock-vllm" help:"${mock}"`
	Usage       usageCommand       `cmd:"" help:"${usage}"`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit with 0 when a gateway is ready."`
	Bootstrap   bootstrapCommand   `cmd:"" help:"${bootstrap}"`
	Key         keyCommand         `cmd:"" help:"Work with API keys."`
	Audit       auditCommand       `cmd:"" help:"${audit}"`
	Token       tokenCommand       `cmd:"" help:"Work with JWTs of identity providers."`
	User        userCommand        `cmd:"" help:"Work with users."`
	Tenant      tenantCommand      `cmd:"" help:"Work with tenants."`
	Role        roleCommand        `cmd:"" help:"Work with roles."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

func main() {
	var c commands
	parser := kong.Must(&c,
		kong.Name("token-rate-limiter"),
		kong.Description("Exact token limits in front of vLLM and other "+
			"OpenAI-compatible model servers."),
		kong.UsageOnError(),
		texts,
	)
	ctx, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx.FatalIfErrorf(ctx.Run())
}
