// Package compose_test reads the Compose files as Compose and as Swarm do, holds them to what
// an operator relies on, and runs what they mount by the programs it is for.
package compose_test
