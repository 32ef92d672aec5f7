package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// tenantMark begins the names of accounts that are not the bare name of a user.
const tenantMark = "tenant:"

// tenantEscapes lets the first slash after the mark end the name of a tenant.
var tenantEscapes = strings.NewReplacer("%", "%25", "/", "%2F")

// AccountOf returns the name of what is charged for a user of a tenant; "" is the default one. No
// two users have the same one. A user of the default tenant has the bare name, as long as that
// does not look like the name of another account. It has at most [limit.NameBytesMax] bytes where
// the user's name has.
func AccountOf(tenant, user string) string {
	if tenant == "" && !strings.HasPrefix(user, tenantMark) {
		return user
	}
	name := tenantMark + tenantEscapes.Replace(tenant) + "/" + user
	if len(name) <= limit.NameBytesMax {
		return name
	}
	// After "tenant:/" there is the mark once more, but for these.
	sum := sha256.Sum256([]byte(name))
	return tenantMark + "/sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// PersonOf returns whose an account is, and whether that is known: of very long names it is not,
// and the whole of the account's name stands for the user then.
func PersonOf(account string) (p Person, known bool) {
	rest, marked := strings.CutPrefix(account, tenantMark)
	if !marked {
		return Person{User: account}, true
	}
	tenant, user, _ := strings.Cut(rest, "/")
	tenant, err := url.PathUnescape(tenant)
	if err != nil || AccountOf(tenant, user) != account {
		return Person{User: account}, false
	}
	return Person{tenant, user}, true
}
