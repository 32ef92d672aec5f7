// Package workflow_test reads .github as GitHub does: actionlint finds nothing, what is used is
// pinned, nothing may do more than it must, and every command is one that is here. What the
// commands of a release do is tried in test/deploy/release.
package workflow_test
