// Package rules_test holds the code to rules that no compiler knows: which
// package may import which, and what every package and file must have. The
// tables here are the truth: the coding standards describe them.
//
// It reads the source and runs none of it. Tests are not held to the rules.
package rules_test
