// Package listener opens the addresses of the gateway, and makes the servers that answer there.
package listener

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

// Listen opens the address of a setting. An error says what to do; how says how else than by
// the setting another address is chosen.
func Listen(ctx context.Context, setting, address, how string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, notListening(setting, address, err, how)
	}
	return l, nil
}

func notListening(setting, address string, err error, how string) error {
	if descriptor.Exhausted(err) {
		return fmt.Errorf("%w; %s", err, descriptor.Remedy)
	}
	return fmt.Errorf("%s %s: %w; %s%s", setting, address, err, remedy(err), how)
}

// remedy says what to do where an address cannot be listened on.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "end what listens there already, or choose another address"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 are for root, or with CAP_NET_BIND_SERVICE; choose another address"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has that address; choose another one"
	}
	return "choose another address"
}
