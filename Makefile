.PHONY: build test test-f64 test-long ci bench bench-peer generate

build: ## one static binary
	CGO_ENABLED=0 go build -o vaelab ./cmd/vaelab

test:
	go test ./...

test-f64: ## the same in float64, where finite differences are sharp
	go test -tags f64 ./...

test-long: ## every float32 through exp, and longer fuzzing
	go test ./internal/tensor/kernel -run "Exp|Sigmoid" -long -v
	go test ./internal/safetensors -fuzz FuzzDecode -fuzztime 1m
	go test ./internal/record -fuzz FuzzRows -fuzztime 1m

ci:
	.ci/run

bench: ## products as a share of the FMA ceiling, and a whole training step
	go test ./internal/tensor/kernel ./internal/train -run '^$$' -bench . -cpu 1

generate: ## the assembly, from its generator
	cd internal/tensor/kernel/gen && go generate .

bench-peer: ## the same model in PyTorch, pair by pair (PYTHON=... with torch; bench/peer/README.md)
	go run ./bench/peer -python $(or $(PYTHON),python3)
