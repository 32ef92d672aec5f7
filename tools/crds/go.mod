// The CRDs that test/k8s gives its cluster lie in the zips of these modules. No code
// imports them, so `go mod tidy` would take them out: change a version by hand, then
// run `go mod download`.
module github.com/token-rate-limiter/token-rate-limiter/tools/crds

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.93.1
	sigs.k8s.io/gateway-api v1.4.1
)
