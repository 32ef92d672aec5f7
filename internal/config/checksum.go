package config

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
)

// Sum stands for what files said at a moment: as long as they say the same, it is the same.
type Sum [sha256.Size]byte

// Sum reads the files that Load may read, whichever the profile, without looking at what they mean.
// It costs little. A file that cannot be read counts by the reason.
func (o Options) Sum() Sum {
	o = o.withDefaults()
	files, err := fs.Glob(o.Files, profileFile("*"))
	if err != nil {
		files = nil // the pattern is right
	}
	return sum(o.Files, slices.Concat([]string{baseFile}, files))
}

// SumNamed reads the files that c names and that a reload reads again: the
// authorities of model servers and of issuers of tokens, and what variables were read from.
func (c *Config) SumNamed() Sum {
	files := slices.Clone(c.VariableFiles)
	for _, s := range c.Services {
		if s.CAFile != "" {
			files = append(files, s.CAFile)
		}
	}
	for i := range c.Auth.JWT.Issuers {
		if name := c.Auth.JWT.Issuers[i].CAFile; name != "" {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return sum(file.System{}, slices.Compact(files))
}

func sum(files fs.FS, names []string) Sum {
	h := sha256.New()
	for _, name := range names {
		b, err := file.ReadIn(files, name, binding.BytesMax)
		fmt.Fprintf(h, "%q %d %v\n%s", name, len(b), err, b)
	}
	return Sum(h.Sum(nil))
}
