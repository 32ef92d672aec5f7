// Package postgrestest runs real PostgreSQL servers for tests: each on a free port of the
// loopback interface, with a data directory of its own, until the end of the test.
package postgrestest
