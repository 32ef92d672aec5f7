package gate

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress returns the address of a client, for people to read: the other end of the
// connection, or, where that is a trusted proxy, the last in X-Forwarded-For that is none.
func ClientAddress(r *http.Request, trusted []netip.Prefix) string {
	peer := hostOf(r.RemoteAddr)
	if len(trusted) == 0 {
		return peer
	}
	a, err := netip.ParseAddr(peer)
	if err != nil || !isTrusted(a, trusted) {
		return peer
	}
	for _, list := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for list != "" {
			var last string
			if i := strings.LastIndexByte(list, ','); i >= 0 {
				list, last = list[:i], list[i+1:]
			} else {
				list, last = "", list
			}
			next, err := netip.ParseAddr(hostOf(strings.TrimSpace(last)))
			if err != nil {
				return a.String()
			}
			a = next.Unmap()
			if !isTrusted(a, trusted) {
				return a.String()
			}
		}
	}
	return a.String()
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	a = a.Unmap()
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// hostOf returns an address without its port and without brackets.
func hostOf(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i > 0 && (address[i-1] == ']' || strings.IndexByte(address, ':') == i) {
		address = address[:i]
	}
	return strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
}
