VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 20s
# Additional flags for go test, for example: make test TESTFLAGS='-run TestCreate -v'
TESTFLAGS ?=
# Flags of the program that "make bench" runs.
BENCHFLAGS ?=
# Flags of the program that "make chaos" runs, and how long "make soak" takes.
CHAOSFLAGS ?=
SOAK       ?= 1h

# The architectures for "make binaries", and the name of the image for "make image".
ARCHES ?= $(shell go env GOARCH)
IMAGE  ?= ghcr.io/interlink-hq/interlink-kubernetes-plugin:$(patsubst v%,%,$(VERSION))

CACHE  = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/interlink-kubernetes-plugin
PROMTOOL = $(CACHE)/tools/$(shell { go env GOVERSION; cat .ci/promtool/go.*; } | cksum | cut -d ' ' -f 1)/promtool
LINTER = $(CACHE)/tools/$(shell { go env GOVERSION; cat .ci/tools/go.*; } | cksum | cut -d ' ' -f 1)/golangci-lint

# The version for "make release", such as v0.1.0; empty: one for developers.
RELEASE ?=

# Prints the folder with kube-apiserver and etcd. The first use downloads or builds them, and builds
# kube-controller-manager, which may take minutes.
ASSETS = go run ./fixtures/apiserver/cmd/apiserver-assets --controllers

.DEFAULT_GOAL := help
.PHONY: help build binaries image deb release demo run assets test race e2e e2e-up e2e-down lint alerts vulncheck fuzz bench bench-collector bench-sim compat mutants generate clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

build: ## Build the programs into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/...
	@[ "$$(go env GOOS)" != linux ] || go -C .ci/size run . $(CURDIR)/bin/interlink-kubernetes-plugin

binaries: ## Build the programs for Linux, for each architecture in ARCHES, into bin/linux-<arch>/
	@set -e; for arch in $(ARCHES); do echo "linux/$$arch"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/linux-$$arch/ ./cmd/...; \
	done

# A Debian version begins with a digit: without a tag, it is that of a commit before all releases.
image deb: ARCHES := $(shell go env GOHOSTARCH)
image: binaries ## Build the container image IMAGE for the architecture of this machine, and load it into Docker
	@CGO_ENABLED=0 go -C .ci/release build -o $(CURDIR)/bin/release-tools/ ./image
	@bin/release-tools/image -arches $(ARCHES) -version '$(patsubst v%,%,$(VERSION))' -names '$(IMAGE)' -archive bin/image.tar \
		-revision "$$(git rev-parse HEAD 2>/dev/null || echo unknown)" -created "$$(git log -1 --format=%ct 2>/dev/null || echo 0)"
	docker load --quiet --input bin/image.tar
	@rm bin/image.tar

deb: binaries ## Build the Debian package for the architecture of this machine: bin/interlink-kubernetes-plugin.deb
	.ci/release/deb '$(if $(filter v%,$(VERSION)),$(patsubst v%,%,$(VERSION)),0.0.0-dev.$(VERSION))' $(ARCHES) bin/interlink-kubernetes-plugin.deb

release: ## Build all files of a release into dist/, for amd64 and arm64: programs, packages, image, chart, SBOM, checksums
	.ci/release/build '$(RELEASE)'

demo: build ## Replay all scenarios against the plugin, on a simulated remote cluster (less than a minute)
	bin/interlink-sim replay --report html=bin/demo.html
	@echo "bin/demo.html shows each scenario as a timeline"

run: build ## Run the plugin on the cluster of KUBECONFIG, or else on a temporary API server
	@set -- bin/interlink-kubernetes-plugin --app-socket-address "unix://$(CURDIR)/bin/plugin.sock" --log-rich-enabled; \
	if [ -n "$$KUBECONFIG" ]; then \
		echo "the plugin listens on bin/plugin.sock and uses the cluster of $$KUBECONFIG"; \
		exec "$$@" --k8s-kubeconfig-path "$$KUBECONFIG"; \
	fi; \
	echo "KUBECONFIG is not set: starting a temporary API server; the plugin will listen on bin/plugin.sock"; \
	go build -o bin/apiserver-up ./fixtures/apiserver/cmd/apiserver-up && \
	exec bin/apiserver-up --kubeconfig bin/kubeconfig -- "$$@" --k8s-kubeconfig-path bin/kubeconfig

assets: ## Download or build the Kubernetes programs that the tests use (up to some minutes, only once)
	@$(ASSETS)

test: ## Run all tests (the first run downloads or builds a real kube-apiserver, which may take minutes)
	@echo "The tests use a real kube-apiserver and kube-controller-manager. The first run downloads or builds them."
	@assets=$$($(ASSETS)) && echo "go test ./..." && KUBEBUILDER_ASSETS="$$assets" go test -timeout 15m $(TESTFLAGS) ./...

# docs, charts and manifests have no code of their own that runs at the same time: they are tests of files.
race: ## Run the tests under the race detector, without those of documents and manifests (needs gcc)
	@assets=$$($(ASSETS)) && packages=$$(go list ./... | grep -v -x -E '[^/]+/[^/]+/[^/]+/(docs|charts|manifests)') && \
	echo "go test -race, $$(echo "$$packages" | wc -l) packages" && \
	CGO_ENABLED=1 KUBEBUILDER_ASSETS="$$assets" go test -race -timeout 30m $(TESTFLAGS) $$packages

# A program instead of "go run", which would end before the program does after an interrupt.
bin/e2e/e2e: FORCE
	@go build -o $@ ./e2e/cmd/e2e
FORCE:

e2e: bin/e2e/e2e ## Create two kind clusters, run the end-to-end tests, delete the clusters (E2E_KEEP=1 keeps them)
	@exec bin/e2e/e2e run $(TESTFLAGS)

e2e-up: bin/e2e/e2e ## Create the two kind clusters and keep them
	@exec bin/e2e/e2e up

e2e-down: bin/e2e/e2e ## Delete the two kind clusters
	@exec bin/e2e/e2e down

# golangci-lint's standard set includes govet, with the checks of "go vet".
lint: $(LINTER) ## Check the format, run golangci-lint, check go.mod
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "gofmt -w:" $$files; exit 1; }
	@echo golangci-lint run; $(LINTER) run --build-tags e2e ./...
	go mod tidy -diff
	go mod verify

$(LINTER):
	@echo "building golangci-lint, which takes a few minutes, only once"
	@mkdir -p $(@D)
	CGO_ENABLED=0 go -C .ci/tools build -trimpath -o $@.new github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@mv $@.new $@

alerts: $(PROMTOOL) ## Test the chart's alert rules and dashboard, and the queries of docs/accounting.md, with promtool
	$(PROMTOOL) check rules charts/interlink-kubernetes-plugin/monitoring/alerts.yaml charts/testdata/dashboard.rules.yaml
	$(PROMTOOL) test rules charts/testdata/alerts.test.yaml charts/testdata/dashboard.test.yaml charts/testdata/accounting.test.yaml

# The tag leaves out the service discovery of clouds, which the rules do not need.
$(PROMTOOL):
	@echo "building promtool, which takes a few minutes, only once"
	@mkdir -p $(@D)
	CGO_ENABLED=0 go -C .ci/promtool build -trimpath -tags remove_all_sd -o $@.new github.com/prometheus/prometheus/cmd/promtool
	@mv $@.new $@

vulncheck: ## Look for known vulnerabilities in the code that the programs use (needs the internet)
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

# Sometimes the go command reports the end of the fuzzing time as a failure ("context deadline exceeded").
# A real failure always writes a failing input.
fuzz: ## Run each fuzz target for FUZZTIME (20s)
	@set -e; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "== $$target in $$(dirname "$$file")"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$(dirname "$$file")" >"$$log" 2>&1 || \
				{ grep -q '^    context deadline exceeded$$' "$$log" && ! grep -q 'Failing input written' "$$log"; } || \
				{ cat "$$log"; exit 1; }; \
			tail -n 3 "$$log"; \
		done; \
	done

# bin/bench instead of "go run", which would end before the program does after an interrupt.
bench: ## Measure the plugin against a real kube-apiserver: one table of ratios (takes minutes; BENCHFLAGS='-only create')
	@assets=$$($(ASSETS)) && go build -o bin/bench ./sim/bench/cmd/bench && \
	KUBEBUILDER_ASSETS="$$assets" exec bin/bench $(BENCHFLAGS)

bench-collector: ## Measure how long the objects of deleted pods stay, with and without the plugin's deletes (15 minutes)
	@$(MAKE) bench BENCHFLAGS='-collector $(BENCHFLAGS)'

bench-sim: ## Measure the simulator: replays of up to 10,000 pods, and load (takes minutes)
	go test -run '^$$' -bench 'Replay|Load' -benchtime 1x ./sim/load ./sim/play

mutants: ## Change the plugin's code, one place at a time, and print what no test notices (takes an hour; MUTANTFLAGS='-count 300 -seed 42')
	@assets=$$($(ASSETS)) && KUBEBUILDER_ASSETS="$$assets" go run ./fixtures/mutants/cmd/mutants $(MUTANTFLAGS)

# bin/compat instead of "go run", for the same reason.
compat: ## Run the tests that talk to an API server on Kubernetes 1.29, 1.31 and 1.33 (builds each once; takes an hour; COMPATFLAGS='-kubernetes 1.31')
	@go build -o bin/compat ./fixtures/compat/cmd/compat && exec bin/compat $(COMPATFLAGS)

# bin/chaos instead of "go run", for the same reason.
chaos: ## Fail each remote call of the plugin in each way, kill it in storms: nothing may be lost (takes minutes; CHAOSFLAGS='-sample 50')
	@assets=$$($(ASSETS)) && go build -o bin/chaos ./sim/chaos/cmd/chaos && \
	KUBEBUILDER_ASSETS="$$assets" exec bin/chaos -logs bin/chaos-logs $(CHAOSFLAGS)

soak: ## Create, poll, log and delete pods for SOAK (1h): memory and goroutines must not grow
	@$(MAKE) chaos CHAOSFLAGS='-soak $(SOAK) $(CHAOSFLAGS)'

generate: ## Write goldens, the sample configuration and the reference from the code
	@assets=$$($(ASSETS)) && KUBEBUILDER_ASSETS="$$assets" go test -count=1 \
		$$(grep -rlE --include='*_test.go' 'flag\.Bool(Var)?\(.*"update"' . | xargs -n 1 dirname | sort -u) -update

clean: ## Delete bin/ and dist/ (the cache keeps what takes minutes to build)
	rm -rf bin dist
