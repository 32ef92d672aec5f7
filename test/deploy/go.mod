module github.com/token-rate-limiter/token-rate-limiter/test/deploy

go 1.26.0
