package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

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

type userHashCommand struct {
	Name string `arg:"" help:"Name of the user."`
}

// Run prints the hash of the name.
func (c *userHashCommand) Run() error {
	if c.Name == "" {
		return errors.New("NAME is empty; " +
			"write the name of a user, as X-User-ID or auth.api-keys has it")
	}
	if err := identity.CheckUser(c.Name); err != nil {
		return fmt.Errorf("NAME: %w", err)
	}
	fmt.Println(telemetry.HashUser(c.Name))
	return nil
}
