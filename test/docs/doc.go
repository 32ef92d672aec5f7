// Package docs holds the documents to the code, with tests only:
//
//   - every link leads somewhere, and every test, file, metric and setting that is
//     named exists (link_test.go, name_test.go); every metric, error code and
//     warning of the code is described;
//   - a configuration that is shown loads (setting_test.go);
//   - the English and the Korean version are the same document (language_test.go).
//
// The package has no code of its own.
package docs
