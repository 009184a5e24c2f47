# What one types in this repository. `make` alone lists it.

GOLANGCI_VERSION   := v2.15.0
ACTIONLINT_VERSION := v1.7.12

# Linters are built from source, once for each version of them and of Go.
TOOLS      = .cache/tools/$(shell go env GOVERSION)
GOLANGCI   = $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
ACTIONLINT = $(TOOLS)/actionlint-$(ACTIONLINT_VERSION)

# How long the benchmarks take, and which Kafka `make image` builds.
BENCHTIME ?= 1s
KAFKA     ?= 4.3.1

# The race detector wants a C compiler; without one the tests run all the same.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# How much the long checks do under `make test`: random histories that both
# judges must agree on, and every mutant of the checkers.
IDEMCHECK_FUZZ    ?= 1000000
IDEMCHECK_MUTANTS ?= 1

# Which packages `make test` and `make unit` are about.
PKGS ?= ./...

.DEFAULT_GOAL := help
.PHONY: help test unit lint bench image

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One package at a time (-p 1), since brokers under test do not like company,
# hence the build in parallel beforehand; and never from go test's cache
# (-count=1), which knows nothing of a container engine that came up since.
test: export IDEMCHECK_FUZZ := $(IDEMCHECK_FUZZ)
test: export IDEMCHECK_MUTANTS := $(IDEMCHECK_MUTANTS)
test: ## everything: go vet, all tests with the race detector, those on real brokers if a container engine answers
	@go vet ./...
	@$(if $(RACE),:,$(call banner,NO RACE DETECTOR: go finds no C compiler; install gcc for the whole test))
	@docker version >/dev/null 2>&1 || $(call banner,NO CONTAINER ENGINE answers docker version: tests on real brokers are skipped; scripts/setup-debian.sh sets up what they need)
	@go build $(RACE) ./...
	@go test $(RACE) -count=1 -p 1 -timeout 20m $(PKGS)

unit: ## the fast tests: no containers, no race detector, the long checks cut short
	@go test -short $(PKGS)

lint: $(GOLANGCI) $(ACTIONLINT) ## gofmt, go vet, golangci-lint with the import rules, actionlint
	@unformatted=$$(gofmt -l */) && if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@go vet ./...
	@$(GOLANGCI) run
	@$(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml

bench: ## the benchmarks of proxy, run directory, judges and recording (BENCHTIME=1s)
	@go test -run '^$$' -bench . -benchtime $(BENCHTIME) -p 1 -timeout 60m ./proxy ./history ./checker ./workloads

image: ## build the Kafka image from published jars (KAFKA=4.3.1; root, Debian)
	@go run ./images/cmd/build-image --kafka $(KAFKA)

$(GOLANGCI):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_VERSION))

$(ACTIONLINT):
	$(call install,github.com/rhysd/actionlint/cmd/actionlint,$(ACTIONLINT_VERSION))

# install,PACKAGE,VERSION builds a tool and names it by its version.
define install
@echo "building $(notdir $1) $2 (once)"
@GOBIN='$(CURDIR)/$(@D)' go install $1@$2
@mv '$(@D)/$(notdir $1)' '$@'
endef

# banner,TEXT says something that must not be overlooked.
banner = printf '\n%s\n%s\n%s\n\n' '!!!!!!!!!!!!!!!!!!!!' '!!! $1' '!!!!!!!!!!!!!!!!!!!!' >&2
