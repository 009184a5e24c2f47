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

# What `make nightly` and `make soak` run: how often each scenario, and which
# share of it, "2/3"; on KAFKA, which may list several versions: 3.9.2,4.3.1.
# A seed comes up fresh, and is printed, unless one is given.
nightly: RUNS ?= 3
soak:    RUNS ?= 300
SUITES   ?= basic faults mix
SHARD    ?=
SEED     ?=

# The race detector wants a C compiler; without one the tests run all the same.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# How much the long checks do under `make test`: random histories that both
# judges must agree on, and every mutant of the checkers.
IDEMCHECK_FUZZ    ?= 1000000
IDEMCHECK_MUTANTS ?= 1

# Which packages `make test` and `make unit` are about.
PKGS ?= ./...

.DEFAULT_GOAL := help
.PHONY: help test unit lint bench image nightly soak build

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
	@go test $(RACE) -count=1 -p 1 -timeout 50m $(PKGS)

unit: ## the fast tests: no containers, no race detector, the long checks cut short
	@go test -short $(PKGS)

lint: $(GOLANGCI) $(ACTIONLINT) ## gofmt, go vet, golangci-lint with the import rules, actionlint
	@unformatted=$$(gofmt -l */) && if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@go vet ./...
	@$(GOLANGCI) run
	@$(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml

bench: ## the benchmarks of proxy, run directory, judges, recording and the driver protocol (BENCHTIME=1s)
	@go test -run '^$$' -bench . -benchtime $(BENCHTIME) -p 1 -timeout 60m ./proxy ./history ./checker ./workloads ./clients/process

image: ## build the Kafka image from published jars (KAFKA=4.3.1; on Debian as root, elsewhere with IMAGE_FLAGS="--base IMAGE-WITH-JAVA")
	@go run ./images/cmd/build-image --kafka $(KAFKA) $(IMAGE_FLAGS)

build: ## the program: bin/idemcheck
	@go build -o bin/idemcheck ./cmd/idemcheck

nightly: build ## what the nightly job runs (KAFKA=3.9.2,4.3.1 RUNS=3 SHARD=1/2 SEED=7 SUITES=mix); everything it writes is in nightly/
	@mkdir -p nightly
	bin/idemcheck run --cluster docker --kafka $(KAFKA) --runs $(RUNS) $(if $(SHARD),--shard $(SHARD)) $(if $(SEED),--seed $(SEED)) \
		--runs-per-cluster 20 --keep failed --out nightly/runs --junit nightly/junit.xml --summary nightly/summary.md --summary nightly/summary.json $(SUITES)

soak: build ## RUNS=300 runs of the mixes with fresh seeds; goes on after a finding; the record is soak/summary.md and .json
	@mkdir -p soak
	bin/idemcheck run --cluster docker --kafka $(KAFKA) --runs $$(( ($(RUNS) + 1) / 2 )) $(if $(SEED),--seed $(SEED)) \
		--runs-per-cluster 20 --keep failed --out soak/runs --summary soak/summary.md --summary soak/summary.json mix

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
