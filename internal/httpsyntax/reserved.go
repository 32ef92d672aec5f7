package httpsyntax

import "strings"

// reservedNames has the names of [Reserved], grouped by length so that a name is
// compared with few of them.
var reservedNames = func() (byLength [32][]string) {
	for _, name := range []string{
		"Host", "Content-Type", "Content-Length", "Content-Encoding", "Accept-Encoding",
		"Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
		"Upgrade", "Expect", "HTTP2-Settings",
		"Authorization", "Proxy-Authorization", "Cookie", "X-API-Key", "Api-Key",
	} {
		byLength[len(name)] = append(byLength[len(name)], name)
	}
	return byLength
}()

// Reserved reports whether a field concerns the connection or the body, or holds a
// credential. No such field of a client is passed on to a model server.
func Reserved(name string) bool {
	if len(name) >= len(reservedNames) {
		return false
	}
	for _, other := range reservedNames[len(name)] {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}
