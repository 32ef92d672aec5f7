//go:build !race

package e2e

// buildFlags make the program find races where the tests do.
var buildFlags []string
