// Package upgrade_test replaces the gateways of docker/docker-compose.yml, one after the other,
// while streams are open: real gateways with the drain settings of that file, and then with those of
// k8s/, behind a real HAProxy with the file's own configuration, which finds them by DNS as in a
// network of Docker. No stream is cut, no request is refused, and the books are those of the model
// server. It looks at what the load balancer lets through as well, and at its TLS.
package upgrade_test
