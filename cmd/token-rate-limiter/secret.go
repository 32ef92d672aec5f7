package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// secretFlags say where a new secret goes.
type secretFlags struct {
	SecretFile string `placeholder:"FILE" help:"${secret_file}"`
}

// deliver has change keep a new secret, and writes it. A file has it, on the disk, before
// anything is changed; where nothing was, none is left. Where that is not known, the secret is
// told all the same, for it may be the only one that is good. It returns the revision of what was
// changed.
func (f secretFlags) deliver(
	change func(h registry.Hash) (registry.Key, error),
) (revision int64, err error) {
	secret := registry.NewSecret()
	if f.SecretFile != "" {
		if err := f.makeFile(secret); err != nil {
			return 0, err
		}
	}
	k, err := change(registry.HashOf(secret))
	switch {
	case errors.Is(err, registry.ErrUnconfirmed):
		return 0, errors.Join(f.unconfirmed(err), f.print(secret))
	case err != nil && f.SecretFile != "":
		return 0, errors.Join(err, os.Remove(f.SecretFile))
	case err != nil:
		return 0, err
	}
	if err := f.print(secret); err != nil {
		return 0, fmt.Errorf("the key %s has a new secret, which could not be written (%w): "+
			"key rotate %[1]s gives it another", k.ID, err)
	}
	fmt.Fprintf(os.Stderr, "the key %s of %q is good from now on; "+
		"its secret is not shown again\n", k.ID, k.User)
	return k.Revision, nil
}

// makeFile makes the file with the secret, for nobody else to read.
func (f secretFlags) makeFile(secret string) error {
	file, err := os.OpenFile(f.SecretFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	_, err = fmt.Fprintln(file, secret)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(f.SecretFile))
		return fmt.Errorf("--secret-file, and nothing was changed: %w", err)
	}
	return nil
}

// print writes the secret to standard output, unless a file has it.
func (f secretFlags) print(secret string) error {
	if f.SecretFile != "" {
		return nil
	}
	_, err := fmt.Println(secret)
	return err
}

// unconfirmed says what is to be done where nobody knows whether the change was done.
func (f secretFlags) unconfirmed(err error) error {
	where := "printed"
	if f.SecretFile != "" {
		where = "in " + f.SecretFile
	}
	return fmt.Errorf("%w; the secret is %s, and good if audit list "+
		"shows the change", err, where)
}
