//go:build !unix

package httpclient

import "net"

// probe cannot look into a connection without waiting on this system: a
// connection that the server has closed is found by the retry alone.
type probe struct{}

func (p *probe) watch(net.Conn) {}

func (p *probe) silent() bool { return true }
