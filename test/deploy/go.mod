module github.com/token-rate-limiter/token-rate-limiter/test/deploy

go 1.26.0

require go.yaml.in/yaml/v3 v3.0.4
