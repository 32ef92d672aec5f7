# Token Rate Limiter. `make` prints the targets.

GO       ?= go
BINARY   := bin/token-rate-limiter
PACKAGE  := ./cmd/token-rate-limiter
PROFILE  := cmd/token-rate-limiter/profile.pgo
# Names of tags come from whoever made them: recipes take them from the environment, where no
# shell reads them as commands.
VERSION  ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null | tr -cd '0-9A-Za-z.+-' || echo dev)
COMMIT   ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
export VERSION COMMIT
LDFLAGS  := -s -w -X main.version=$$VERSION -X main.commit=$$COMMIT
TOOL     := $(GO) tool -modfile=tools/go.mod
UNIT     := ./cmd/... ./internal/...
INTEGRATION := ./test/... ./performance/...
FUZZTIME ?= 10s
PLAN     ?= k6-load
SAMPLE   ?= 60
KEYS     ?= 25
ARCHES   ?= amd64 arm64
COVERAGE_MIN := 85

.DEFAULT_GOAL := help

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binary into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -pgo=$(PROFILE) -ldflags "$(LDFLAGS)" -o $(BINARY) $(PACKAGE)

release: ## build the binary for Linux into bin/linux/ARCH, for each of ARCHES
	@for arch in $(ARCHES); do GOOS=linux GOARCH=$$arch $(MAKE) --no-print-directory build BINARY=bin/linux/$$arch/token-rate-limiter || exit 1; done

image: ## build the image of this commit, with docker or buildah
	GO='$(GO)' scripts/build-image.sh

run: build ## run the gateway with mock models on 127.0.0.1:8080, or on ADDRESS
	$(BINARY) serve --profile dev $(if $(ADDRESS),--address $(ADDRESS))

run-prod: build ## run the gateway with the profile prod
	$(BINARY) serve --profile prod

clean: ## remove what was built
	rm -rf bin coverage.out

fmt: ## format the code
	gofmt -w cmd internal performance test tools

check: ## format, vet, lint and the rules of test/rules, without the other tests
	@test -z "$$(gofmt -l cmd internal performance test tools)" || { echo "not formatted (make fmt):"; gofmt -l cmd internal performance test tools; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) test ./test/rules

needs: ## install what the tests need, where that is possible
	scripts/install-test-needs.sh

test: needs check ## check, then all tests with the race detector, on real servers of their own
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 10m $(UNIT)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 10m -p 1 $(INTEGRATION)

test-deploy: ## tests of what is installed: images, Compose and Swarm, the change of gateways behind a load balancer
	scripts/install-deploy-needs.sh
	cd tools/dashboards && $(GO) vet ./... && $(GO) test -count=1 ./...
	cd test/deploy && $(GO) vet ./... && $(GO) test -count=1 -timeout 30m -p 1 ./...
	@test "$$(id -u)" = 0 || echo 'SKIPPED, for they need root: the tests of images (test/deploy/image)'

test-unit: needs ## the tests beside the code
	CGO_ENABLED=1 $(GO) test -race -shuffle=on $(UNIT)

test-integration: needs ## the tests of whole gateways
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 10m -p 1 $(INTEGRATION)

cover: needs ## statement coverage of internal/, which must be at least 85 %
	$(GO) test -coverpkg=./internal/... -coverprofile=coverage.out ./internal/... ./test/...
	@$(GO) tool cover -func=coverage.out | awk '/^total:/ {total = $$3} END {if (total == "") {print "there is no total"; exit 1} printf "coverage of internal/: %s\n", total; exit (total + 0 < $(COVERAGE_MIN))}'

bench: ## measure the gateway against httputil.ReverseProxy in one run
	$(GO) run ./performance/bench

profile: ## measure anew what the compiler optimises `make build` for
	GO='$(GO)' scripts/profile.sh

load: ## run the load plan PLAN (k6-load) against a gateway of its own
	GO='$(GO)' scripts/load-test.sh $(PLAN)

soak: ## 1,000 open streams for two minutes: memory, what is left behind, the time that events take
	$(GO) run ./performance/bench --scenario soak --enforce

propagation: needs ## take the time that changes of keys need to reach four gateways under load, KEYS=25
	PROPAGATION_KEYS=$(KEYS) $(GO) test -count=1 -timeout 20m -run TestPropagation -v ./test/e2e

rolling: needs ## replace gateways of an earlier version by those of this tree, under load
	GO='$(GO)' scripts/rolling-change.sh

manifests: ## write k8s/, the chart's README and its schema from charts/token-rate-limiter
	$(GO) test ./internal/config -run TestJSONSchema -update
	cd test/deploy && $(GO) test -count=1 ./chart -run 'TestMonitoring|TestSchema|TestReadme' -update
	cd test/deploy && $(GO) test -count=1 ./chart -run TestManifests -update

api: ## write what is made of api/openapi.yaml: its copy in docs/api and the collection for Postman
	$(GO) run ./test/api/publish

dashboards: ## write monitoring/grafana/dashboards and the chart's copies from tools/dashboards
	cd tools/dashboards && $(GO) run . ../../monitoring/grafana/dashboards
	$(MAKE) --no-print-directory manifests

pictures: ## draw docs/monitoring/*.png of what a real Prometheus answers after a minute of load
	scripts/install-deploy-needs.sh
	cd test/deploy && $(GO) test -count=1 ./monitoring -run TestEveryExpressionIsAnswered -answers '$(CURDIR)/bin/answers.json'
	cd tools/dashboards && $(GO) run . --answers '$(CURDIR)/bin/answers.json' ../../docs/monitoring

k8s-test: ## apply manifests, script and chart to a real control plane; it is built the first time
	for name in etcd kwok helm kubernetes; do GO='$(GO)' scripts/build-tools.sh $$name || exit; done
	cd test/k8s && $(GO) vet ./... && $(GO) test -count=1 -timeout 40m ./...

mutate: needs ## change the core in SAMPLE places, one at a time: the tests must notice (AREA, SEED)
	$(GO) run ./test/mutate --sample $(SAMPLE) $(if $(SEED),--seed $(SEED)) $(if $(AREA),--area $(AREA))

security: ## gosec, staticcheck of the nested modules, gitleaks; govulncheck where its database is reached
	GO='$(GO)' scripts/security.sh

vulnerabilities: ## govulncheck of all modules, by the database of Go or of GOVULNDB
	GO='$(GO)' scripts/security.sh vulnerabilities

dependencies: ## whether all modules are what go.sum says, and npm knows nothing bad of its packages
	GO='$(GO)' scripts/dependencies.sh

release-notes: ## print what CHANGELOG.md says of VERSION
	@scripts/release-notes.sh "$$VERSION"

release-files: ## make bin/release: archives of the binaries, their SBOMs, checksums
	GO='$(GO)' scripts/release-files.sh "$$VERSION"

publish: ## push the image for ARCHES and the chart, as VERSION, to REGISTRY
	@GO='$(GO)' ARCHES='$(ARCHES)' scripts/publish.sh "$$VERSION" '$(REGISTRY)'

fuzz: ## run every fuzz target for FUZZTIME
	GO='$(GO)' scripts/fuzz.sh $(FUZZTIME)

.PHONY: help build release image run run-prod clean fmt check needs test test-deploy test-unit test-integration cover bench profile load soak propagation rolling manifests api dashboards pictures k8s-test mutate security vulnerabilities dependencies release-notes release-files publish fuzz
