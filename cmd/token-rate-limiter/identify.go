package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

type keyIdentifyCommand struct{ registryFlags }

// Run tells whose the secret on standard input is, such as one that was found in a repository.
// The secret is not told again.
func (c *keyIdentifyCommand) Run() error {
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // it may end without one
	secret := strings.TrimSpace(line)
	if secret == "" {
		return errors.New("there is no secret on standard input")
	}
	if err := registry.CheckSecret(secret); err != nil {
		return err
	}
	cfg, err := c.load(c.source())
	if err != nil {
		return err
	}
	hash := registry.HashOf(secret)
	if k := registry.Having(hash, app.FileKeys(cfg)); k != nil {
		fmt.Printf("it is the key %q of %q in auth.api-keys: take it out there\n", k.Name, k.User)
		return nil
	}
	d, err := app.ReadRegistry(cfg)
	if err != nil {
		return fmt.Errorf("it is none of auth.api-keys, and %w", err)
	}
	defer d.Close()
	return identify(context.Background(), d, hash)
}

// identify prints whose key has, or had, a secret, and what it is still good for.
func identify(ctx context.Context, d registry.Store, h registry.Hash) error {
	k, err := d.KeyOf(ctx, h)
	if errors.Is(err, registry.ErrNotFound) {
		return errors.New("it is nobody's: neither of auth.api-keys nor of the control database")
	}
	if err != nil {
		return err
	}
	remedy := fmt.Sprintf("key revoke %s ends it, key rotate %[1]s gives its owner another", k.ID)
	switch state := k.StateAt(time.Now()); {
	case state != registry.Active:
		remedy = fmt.Sprintf("the key is %s", state)
	case k.Secrets[0].Hash != h:
		remedy = "another has taken its place; " + remedy
	}
	fmt.Printf("it belongs to the key %s %q of %q: %s\n", k.ID, k.Name, k.User, remedy)
	return nil
}
