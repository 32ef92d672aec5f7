// Package docs holds the documents to the code, with tests only:
//
//   - every command in them is run, against gateways of its own, or named in a
//     table with what runs it instead; an answer that is an error is announced
//     where it is asked for (command_test.go, run_test.go);
//   - every link leads somewhere, and every test, file, metric and setting that is
//     named exists (link_test.go, name_test.go); every metric, error code and
//     warning of the code is described;
//   - a configuration that is shown loads (setting_test.go);
//   - the English and the Korean version are the same document (language_test.go).
//
// The package has no code of its own.
package docs
