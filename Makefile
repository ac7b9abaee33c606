# searchd: `make` lists the targets.

SHELL   := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      := CGO_ENABLED=0 go
BUILD   := $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
ADDR    ?= 127.0.0.1:8080
DATA    ?= ./data
RACE    ?= ./...
TOOLS   := $(CURDIR)/.work/bin
LINT    := $(TOOLS)/golangci-lint
LINT_VERSION := v2.15.0

.DEFAULT_GOAL := help
.PHONY: help build run test test-go test-page test-clients test-contract eval race crash soak purego emulate cross lint fuzz bench bench-peers published goldens clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/searchd, one static binary
	$(BUILD) -o bin/searchd ./cmd/searchd

run: build ## build, start, load the sample corpus into an empty store, print the address
	./bin/searchd serve --addr $(ADDR) --data $(DATA) --sample

test: test-go test-page test-clients ## every test; what needs Chromium, Python or Node says so where it is skipped

test-go:
	$(GO) -C bench vet ./...
	$(GO) test -timeout 20m ./...

test-page: build
	web/test/run.sh bin/searchd

test-clients: build ## other people's clients, from PyPI and npm, against a server
	api/clients/run.sh bin/searchd

test-contract: build ## a server, held to the openapi.yaml it serves by requests made of it, for CONTRACT_SECONDS (60; needs Python)
	api/clients/contract.sh bin/searchd

eval: build ## measure search by meaning on the sample's 60 judged questions
	./bin/searchd eval fixtures/sample

# C stands only in a driver that GORM brings and nothing uses: it is not worth optimising.
race: ## the tests under the race detector, of all packages or of those in RACE (needs a C compiler; the product never does)
	CGO_ENABLED=1 CGO_CFLAGS=-O0 go test -race -short -timeout 20m $(RACE)

crash: ## kill the server 500 times in the middle of its work (CRASHES); make test does it 12 times
	SEARCHD_CRASHES=$${CRASHES:-500} $(GO) test ./cmd/searchd -run Killed -count 1 -v -timeout 4h

soak: ## do 100,000 operations in any order and compare each with a plain map (SEARCHD_STEPS); make test does 2,000
	SEARCHD_STEPS=$${SEARCHD_STEPS:-100000} $(GO) test ./cmd/searchd -run Soak -count 1 -v -timeout 4h

purego: ## the tests without assembly
	$(GO) test -short -tags purego ./internal/simd ./hf/encoder ./hf/bundled

emulate: ## the kernels for processors that this machine lacks, in an emulator (Linux; needs Python and a C compiler)
	internal/simd/_emulate/run.sh

cross: ## build for other systems; where qemu-aarch64 is installed, run the kernels and the encoder as arm64
	@set -e; for target in linux/arm64 darwin/arm64 windows/amd64; do echo "build $$target"; \
	  GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -o /dev/null ./cmd/searchd; done
	@if command -v qemu-aarch64 >/dev/null; then GOARCH=arm64 $(GO) test -short -exec qemu-aarch64 ./internal/simd ./hf/safetensors ./hf/encoder; \
	  else echo "SKIPPED: no qemu-aarch64, so the plain Go kernels were not run as arm64"; fi

lint: $(LINT) ## golangci-lint
	$(LINT) run --allow-parallel-runners ./...

$(LINT):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

fuzz: ## each fuzz target for FUZZTIME (30s)
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $$package | sed 's/^func //' | sort -u); do \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 10x $$package; done; done

bench: ## the benchmarks beside the code
	$(GO) test -run '^$$' -bench . ./internal/simd ./hf/tokenizer ./hf/encoder ./hf/local

bench-peers: build ## searchd and its peers on the same texts in one run (fetches the peers, 1 GB; some 10 minutes)
	bench/run.sh speed --binary bin/searchd

published: build ## fetch the published weights, convert them and compare with the bundled file, byte for byte
	fixtures/encoder/check_bundled.sh .work/published

clean: ## remove what was built
	rm -rf bin .work
