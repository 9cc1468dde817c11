.DEFAULT_GOAL := help
.PHONY: help build check fmt vet lint test race brokers fuzz bench demo image compose-up compose-down compose-check ci

VERSION ?=
FUZZTIME ?= 20s

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/ciobridge
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ciobridge ./cmd/ciobridge

check: fmt vet lint test race ## What to run before a change is sent

fmt: ## Format the code
	gofmt -w .

vet: ## Run go vet
	go vet ./...

lint: ## Run the linters, installing them where they are missing
	bash .ci/run lint

test: ## Run the tests that need nothing: under a minute
	go test ./...

race: ## Run them with the race detector
	go test -race ./...

brokers: ## Run all tests, those against real Kafka and NATS in containers among them
	bash .ci/run brokers

fuzz: ## Run every fuzz target for FUZZTIME (20s)
	@go list ./... | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench: ## Measure the bridge against the ceiling; go run ./bench -h lists the flags
	go run ./bench

demo: ## Run the demo until Ctrl-C
	go run ./cmd/ciobridge demo

image: ## Build the container image ciobridge:local
	docker build --build-arg VERSION=$(VERSION) --tag ciobridge:local .

compose-up: ## Start Kafka, NATS, the emulator and two bridges
	docker compose up --build

compose-down: ## Take them down and forget what they held
	docker compose down --volumes

compose-check: ## Start them, publish on both brokers, see the calls, take them down
	bash .ci/run compose

ci: ## Everything that the continuous integration runs
	bash .ci/run
