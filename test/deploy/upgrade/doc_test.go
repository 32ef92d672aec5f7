// Package upgrade_test replaces the gateways of docker/docker-compose.yml, one after the other,
// while streams are open: real gateways with the file's own drain settings, behind a real HAProxy
// with the file's own configuration, which finds them by DNS as in a network of Docker. No stream
// is cut, no request is refused, and the books are those of the model server.
package upgrade_test
