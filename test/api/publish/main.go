// Command publish writes what is made of api/openapi.yaml: docs/api/openapi.yaml, the same
// text under the name that earlier users know, the same for the binary, which serves it, and
// docs/api/postman-collection.json, a collection for Postman and newman. It is run at the root of the repository:
//
//	go run ./test/api/publish
//
// The same document makes the same files, to the byte.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// source is the one that people change.
const source = "api/openapi.yaml"

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintf(os.Stderr, "publish: %q is not understood; it takes no arguments\n", os.Args[1])
		os.Exit(2)
	}
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

// write writes the files of a repository.
func write(root string) error {
	files, err := published(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// published returns the files that are made of a repository's document, by their paths.
func published(root string) (map[string][]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, source))
	if err != nil {
		return nil, err
	}
	d, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	collection, err := collectionOf(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	copied := append([]byte("# Written by `make api` from api/openapi.yaml, which is the one to change.\n"), text...)
	return map[string][]byte{
		"docs/api/openapi.yaml": copied, "docs/api/postman-collection.json": collection,
		"internal/admin/openapi.yaml": copied, // for the binary, which serves it
	}, nil
}
