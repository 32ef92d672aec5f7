// Package release_test runs what .github/workflows/cd.yml runs of a release, as far as it needs nobody
// else: the notes, the files, and what is published, to a registry on the loopback interface.
package release_test
