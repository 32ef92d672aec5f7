//go:build !linux

package httpclient

import "net"

// acks leaves acknowledgements to the system.
type acks struct{}

func (a *acks) watch(net.Conn) {}

func (a *acks) spare() {}
