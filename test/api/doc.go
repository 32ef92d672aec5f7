// Package api holds api/openapi.yaml to the code, with tests only: it is valid
// OpenAPI 3.1, its paths and methods are those that the code registers, and the
// answers of running gateways, every kind of them, are what it says, header fields
// included; requests are refused where it does not allow them.
//
// The package has no code of its own.
package api
