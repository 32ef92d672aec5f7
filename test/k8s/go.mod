module github.com/token-rate-limiter/token-rate-limiter/test/k8s

go 1.26.0
