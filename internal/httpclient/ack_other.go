//go:build !linux

package httpclient

import "net"

// acks has the system acknowledge as it does.
type acks struct{}

func (a *acks) watch(net.Conn) {}

func (a *acks) spare() {}
