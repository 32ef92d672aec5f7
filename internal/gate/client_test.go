package gate

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestClientAddress: only what trusted proxies say is believed, and of that only
// the part that no client can have written.
func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, tt := range []struct {
		peer      string
		forwarded []string
		trusted   []netip.Prefix
		want      string
	}{
		{"192.0.2.1:5000", nil, nil, "192.0.2.1"},
		{"[2001:db8::1]:5000", nil, nil, "2001:db8::1"},
		{"", nil, trusted, ""},
		{"@", []string{"192.0.2.9"}, trusted, "@"}, // a socket of a file
		{"10.1.1.1:5000", []string{"192.0.2.9"}, nil, "10.1.1.1"},
		{"192.0.2.1:5000", []string{"192.0.2.9"}, trusted, "192.0.2.1"},
		{"10.1.1.1:5000", []string{"192.0.2.9"}, trusted, "192.0.2.9"},
		{"10.1.1.1:5000", nil, trusted, "10.1.1.1"},
		{"[::ffff:10.1.1.1]:5000", []string{"192.0.2.9"}, trusted, "192.0.2.9"},
		{"10.1.1.1:5000", []string{"1.2.3.4, 192.0.2.9, 10.2.2.2,10.3.3.3"}, trusted, "192.0.2.9"},
		{"10.1.1.1:5000", []string{"1.2.3.4", "192.0.2.9", "10.2.2.2"}, trusted, "192.0.2.9"},
		{"10.1.1.1:5000", []string{"10.2.2.2, 10.3.3.3"}, trusted, "10.2.2.2"},
		{"10.1.1.1:5000", []string{"192.0.2.9:4711"}, trusted, "192.0.2.9"},
		{"10.1.1.1:5000", []string{"[2001:db8:1::7]:4711, [2001:db8::9]"}, trusted, "2001:db8:1::7"},
		{"10.1.1.1:5000", []string{"2a00::7"}, trusted, "2a00::7"},
		{"10.1.1.1:5000", []string{"192.0.2.9, unknown"}, trusted, "10.1.1.1"},
		{"10.1.1.1:5000", []string{"192.0.2.9, <script>, 10.2.2.2"}, trusted, "10.2.2.2"},
		{"10.1.1.1:5000", []string{",,,"}, trusted, "10.1.1.1"},
		{"10.1.1.1:5000", []string{"192.0.2.9,"}, trusted, "10.1.1.1"},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := ClientAddress(r, tt.trusted); got != tt.want {
			t.Errorf("%s forwarded for %q: %q, want %q", tt.peer, tt.forwarded, got, tt.want)
		}
	}
}

// FuzzClientAddress: whatever is forwarded, the result is an address.
func FuzzClientAddress(f *testing.F) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, s := range []string{"", ",", "10.2.2.2,", "192.0.2.9:1", "[::1]:1", "fe80::1%eth0", "::ffff:10.0.0.1", "]:["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, forwarded string) {
		r := &http.Request{RemoteAddr: "10.1.1.1:5000", Header: http.Header{"X-Forwarded-For": {forwarded}}}
		if _, err := netip.ParseAddr(ClientAddress(r, trusted)); err != nil {
			t.Errorf("%q: %v", forwarded, err)
		}
	})
}
