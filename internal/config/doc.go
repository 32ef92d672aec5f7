// Package config turns the files application.yml and application-<profile>.yml and the environment
// into one validated Config.
//
// It reads, checks and prints settings, and the files that variables name (NAME_FILE). Of the files
// that settings name it reads those that a reload reads again, and no other ([Config.SumNamed]). It
// connects to nothing and builds nothing: the composition root hands every package its own options,
// and looks at the other files (Options.Check).
//
// Invariants:
//   - Load returns a Config or errors, never both, and reports all mistakes together, each with
//     its place, key, value and remedy. What cannot be read is left out, and what that may be the
//     cause of is not reported.
//   - No setting is ignored: a key is used, or it is a mistake. One table (planned.go) names those
//     that a later version will use.
//   - The schema (schema.go) is the only description of the keys: reading, printing and the
//     reference in docs/configuration.md all walk it.
//   - No secret is printed, in an error, by WriteYAML or by Properties.
//   - Reading is bounded in time and memory whatever the bytes.
//
// Package binding reads YAML and binds it; here is what only this product knows. The stages, a file
// each: load, profile (which one), planned (what is not built), spring (aliases), schema with rule
// and choice (what is set), check (rules that concern more than one key), warn with environment
// (what is right, and probably not meant).
//
// Load is a pure function of its Options and may be called again, from any goroutine. A Config is
// not changed after Load and is safe to share.
package config
