package config

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Sum stands for what the files said at a moment: as long as they say the same,
// it is the same.
type Sum [sha256.Size]byte

// Sum reads the files that Load may read, whichever the profile, and others that
// the configuration names, without looking at what they mean. It costs little.
// A file that cannot be read counts by the reason.
func (o Options) Sum(others ...string) Sum {
	o = o.withDefaults()
	files, err := fs.Glob(o.Files, profileFile("*"))
	h := sha256.New()
	add := func(name string, read func(string) (fs.File, error)) {
		b, unread := readBounded(read, name)
		fmt.Fprintf(h, "%q %d %v\n", name, len(b), unread)
		h.Write(b)
	}
	for _, name := range slices.Concat([]string{baseFile}, files) {
		add(name, o.Files.Open)
	}
	for _, name := range others {
		add(name, openFile)
	}
	fmt.Fprint(h, err)
	return Sum(h.Sum(nil))
}

func openFile(name string) (fs.File, error) { return os.Open(name) }
