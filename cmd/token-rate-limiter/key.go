package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

type keyCommand struct {
	Hash keyHashCommand `cmd:"" help:"${key_hash}"`
}

type keyHashCommand struct{}

// Run prints the hash of the key on standard input.
func (c *keyHashCommand) Run() error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line == "" && err != nil {
		return fmt.Errorf("there is no key on standard input: %w", err)
	}
	hash, err := identity.HashKey(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	fmt.Println(hash)
	return nil
}
