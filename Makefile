.PHONY: build test test-f64 test-arm64 test-avx512 test-long test-scale test-fuzz test-slurm test-browser ci bench bench-record bench-peer third-party methods leaderboard schema docs generate

# The revision goes into the program, and from there into the manifest of every trial. Go records it too, but not with
# -buildvcs=false and not in every worktree. A folder within another project's checkout has no revision of its own.
REVISION = $(shell test -z "$$(git rev-parse --show-prefix 2>/dev/null)" && git rev-parse HEAD 2>/dev/null)
MODIFIED = $(if $(shell git status --porcelain 2>/dev/null),true,false)
BINARY = vaelab

build: ## one static binary, which knows its revision
	CGO_ENABLED=0 go build -ldflags "$(if $(REVISION),-X main.stampedRevision=$(REVISION) -X main.stampedModified=$(MODIFIED))" -o $(BINARY) ./cmd/vaelab

test:
	go test ./...

test-f64: ## the same in float64, where finite differences are sharp
	go test -tags f64 ./...

test-arm64: ## the engine on another processor, without kernels; needs qemu-user
	GOARCH=arm64 go test -exec qemu-aarch64 ./internal/tensor/... ./internal/grad ./internal/nn ./internal/optim ./internal/stream ./variants

test-avx512: ## the AVX-512 kernels, emulated if this processor has none; needs bochs (tools/emulator/README.md)
	tools/emulator/test.sh

test-long: ## every float32 through exp, figures of any rows, 300 kills, and longer fuzzing
	go test ./internal/tensor/kernel -run "Exp|Sigmoid" -long -v
	go test ./plots -run AnyRows -long
	go test ./cmd/vaelab -run Interruptions -long -v
	$(MAKE) test-scale
	$(MAKE) test-fuzz

test-scale: ## what 10,000 finished trials cost; needs 5 GB for temporary files
	go test ./cmd/vaelab -run TenThousandTrials -long -v -timeout 1h

FUZZTIME = 20s
test-fuzz: ## every reader of files with made-up content; what fails is kept as a seed in testdata/fuzz of its package
	set -e; for p in $$(go list ./...); do \
		list=$$(go test -list '^Fuzz' $$p); \
		for f in $$(echo "$$list" | grep '^Fuzz'); do echo "$$p $$f"; go test $$p -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s; done; \
	done

test-slurm: ## on a real Slurm, which it starts and ends; wants root and apt (tools/slurm/test.sh)
	tools/slurm/test.sh

test-browser: ## the live page and reports in a real Chromium; wants chromium (apt install chromium)
	cd tools/watch && go test -count=1 -v .

ci:
	.ci/run

# Not -cpu 1,2: with it the first round of every benchmark runs on all cores.
BENCH = for n in 1 $(shell nproc); do GOMAXPROCS=$$n go test ./internal/tensor/... ./internal/grad ./internal/train -run '^$$' -bench . $(ROUNDS); done

bench: ## products and whole training steps as a share of the FMA ceiling, on one core and on all
	$(BENCH)

bench-record: ROUNDS = -count 6
bench-record: ## the same, six times, kept with commit and processor, and compared with the commits before
	{ echo "commit: $$(git describe --always --dirty)"; $(BENCH); } | tee /dev/stderr >> bench/history.txt
	go tool -modfile=tools/go.mod benchstat -col commit bench/history.txt

third-party: ## the licence texts in the program; after a change of dependencies
	go test ./cmd/vaelab -run ThirdParty -update

methods: ## docs/methods.md, from the doc comments of the variants and the costs in results/published/remedies
	go test ./cmd/vaelab -run Costs -update
	go run ./cmd/vaelab list variants --markdown > docs/methods.md.new && mv docs/methods.md.new docs/methods.md

leaderboard: ## docs/leaderboard.md, from the rows in results/published/benchmark
	go test ./cmd/vaelab -run Leaderboard -update

schema: ## experiments/vaelab.schema.json, from the structs that the reader of YAML fills
	go run ./cmd/vaelab schema > experiments/vaelab.schema.json.new && mv experiments/vaelab.schema.json.new experiments/vaelab.schema.json

docs: ## one sentence for each package
	@go list -f '{{.ImportPath}}: {{.Doc}}' ./...

generate: ## the assembly, from its generator
	cd internal/tensor/kernel/gen && go generate .

bench-peer: ## every configuration of PyTorch beside ours, pair by pair (PYTHON=... with torch, ARGS=-busy; bench/peer/README.md)
	go run ./bench/peer -python $(or $(PYTHON),python3) $(ARGS)
