# crate-vk. `make demo` and `make test` do everything on a fresh Debian machine
# that has Go; `make help` lists the targets.

GO      ?= go
BIN     := bin/crate-vk
SAMPLES := testdata/demo/samples
OUT     ?= demo-out

.DEFAULT_GOAL := help

## demo: install what is missing, build, segment the sample images with the embedded model, say where to look
.PHONY: demo
demo: setup build driver
	@./$(BIN) segment $(SAMPLES)/images --out $(OUT) --format mask,overlay,json --overwrite
	@echo "The overlays are in $(OUT)/*.overlay.png, the masks in $(OUT)/*.mask.png, the true masks in $(SAMPLES)/truth."

## man: write the man pages into bin/man
.PHONY: man
man:
	@$(GO) run -tags man ./cmd/crate-vk man bin/man

## view: install what is missing, build the window, open the sample images in it
.PHONY: view
view: setup build driver build-view
	@./bin/crate-vk-view $(SAMPLES)/images

## build-view: install what a window needs and is missing, compile crate-vk-view into bin/
.PHONY: build-view
build-view: setup
	@.ci/setup --view
	@$(GO) build -trimpath -tags viewer -o bin/crate-vk-view ./cmd/crate-vk-view

## test-view: the window's tests, in an X server without a screen
.PHONY: test-view
test-view: build-view
	@.ci/setup --display
	$(GO) vet -tags viewer ./engine/vk ./engine/window ./cmd/crate-vk-view ./shaders
	$(GO) tool staticcheck -tags viewer ./engine/vk ./engine/window ./cmd/crate-vk-view ./shaders
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_REQUIRE_DISPLAY=1 $(GO) test -count=1 -timeout 20m -tags viewer ./engine/vk ./engine/window ./cmd/crate-vk-view ./shaders

## test: install what is missing and run the tests on the Vulkan devices that are found
.PHONY: test
test: setup build driver
	CRATE_VK_REQUIRE_VULKAN=1 $(GO) test -count=1 -timeout 20m ./...

## build: compile the crate-vk command into bin/
.PHONY: build
build:
	@$(GO) build -trimpath -o $(BIN) ./cmd/crate-vk

# The Debian tree of make vendors. Its glslc compiles the kernels with cooperative matrices.
TREE ?= $(or $(CRATE_VK_VENDORS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/crate-vk/vendors)

## shaders: compile the kernels with glslc and check them with spirv-val; those with cooperative matrices with the newer ones of make vendors
.PHONY: shaders
shaders:
	$(GO) run -tags viewer ./shaders/build -tree $(TREE)

## check: formatting, vet, staticcheck, and that the committed SPIR-V is what the sources give
.PHONY: check
check:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt: the files above are not formatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	cd testdata/embed && $(GO) vet ./... && $$(cd ../.. && $(GO) tool -n staticcheck) ./...
	$(GO) run -tags viewer ./shaders/build -check -tree $(TREE)
	$(GO) mod verify

## check-all: check, and the tests under the race detector, cgocheck2 and the validation layers
.PHONY: check-all
check-all: check
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_VALIDATION=1 $(GO) test -count=1 -timeout 40m ./...
	CRATE_VK_REQUIRE_VULKAN=1 $(GO) test -count=1 -race -short ./...
	CRATE_VK_REQUIRE_VULKAN=1 GOEXPERIMENT=cgocheck2 $(GO) test -count=1 -short ./engine/...

## ci-long: check-all, and what takes longer still: a minute of everything at once under the race detector, each Vulkan call fails, every device that is simulated, many random models, the window under the race detector, twenty kills, the vendors' compilers, two newer lavapipes, mutate, soak
.PHONY: ci-long
ci-long: setup build driver check-all
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_EVERYTHING=1m $(GO) test -count=1 -timeout 20m -race ./engine -run TestEverythingAtOnce -v
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_FAULTS=1 $(GO) test -count=1 -timeout 60m ./engine -run TestEachCallFails -v
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_RANDOM_MODELS=70 $(GO) test -count=1 -timeout 60m ./engine -run TestRandomModels
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_FAKES=1 $(GO) test -count=1 -timeout 60m ./engine ./engine/prove ./engine/expert -run 'TestFake|TestTilesOfSubgroups' -v
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_REQUIRE_DISPLAY=1 $(GO) test -count=1 -timeout 20m -race -short -tags viewer ./engine/window ./cmd/crate-vk-view
	CRATE_VK_KILLS=20 $(GO) test -count=1 -timeout 20m ./cmd/crate-vk -run TestKilled
	$(MAKE) check-vendors mutate soak
	.ci/lavapipe bin/crate-vk all

## mutate: break the code of each promise in docs/promises.md, and see its test fail
.PHONY: mutate
mutate: build driver
	CRATE_VK_REQUIRE_VULKAN=1 $(GO) run ./cmd/internal/mutate

## soak: 10,000 images from 8 goroutines, models opened and closed, the device lost at times; fails when something grows
.PHONY: soak
soak: build driver
	CRATE_VK_REQUIRE_VULKAN=1 CRATE_VK_SOAK=$(or $(SOAK),10000) MALLOC_ARENA_MAX=1 $(GO) test -count=1 -timeout 60m ./engine -run TestSoak -v

## fuzz: run each fuzz target for FUZZTIME (60s), tell how many inputs it tried, fail on a crash
.PHONY: fuzz
fuzz: FUZZTIME ?= 60s
fuzz:
	@.ci/fuzz $(FUZZTIME) $(FUZZ)

## vuln: govulncheck, where its database can be reached; says so where not
.PHONY: vuln
vuln:
	@GO="$(GO)" .ci/vuln

## reproducible: build the command in two folders and compare the bytes
.PHONY: reproducible
reproducible:
	@GO="$(GO)" .ci/reproducible

## nocgo: build and vet without cgo for Linux, Windows and macOS, and test it here, on the interpreter
.PHONY: nocgo
nocgo: export CGO_ENABLED = 0
nocgo:
	@for target in linux/amd64 windows/amd64 darwin/amd64 darwin/arm64; do \
		echo "$$target"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build ./... && \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet ./... || exit 1; \
	done
	CRATE_VK_REQUIRE_VULKAN= $(GO) test -count=1 -short ./engine/... ./cmd/...

## windows: build bin/crate-vk.exe, with Vulkan, by mingw-w64
.PHONY: windows
windows:
	@GO="$(GO)" .ci/windows

## gpu-check: pack what a machine with a GPU and without Go needs to check and time crate-vk; docs/gpus.md says what to do there
.PHONY: gpu-check
gpu-check: setup build driver
	.ci/gpu-pack bin/gpu-check

## vendors: write docs/vendors.md with the vendors' open compilers, in a Debian tree that it makes (root; 800 MB in the user's cache folder)
.PHONY: vendors
vendors:
	$(GO) run ./cmd/internal/vendors

## check-vendors: compile every kernel for every GPU of docs/vendors.md, and fail where one spills registers or is not what its source gives
.PHONY: check-vendors
check-vendors:
	$(GO) run ./cmd/internal/vendors -check
	$(GO) run -tags viewer ./shaders/build -check -tree $(TREE)

## bench-peers: install PyTorch and onnxruntime where they are missing, time crate-vk beside them, write docs/peers.md
.PHONY: bench-peers
bench-peers: setup build driver
	@.ci/setup --peers
	$(GO) run ./cmd/internal/peers -out docs/peers.md $(PEERS)

## setup: install compiler, Vulkan loader and headers where they are missing (Debian)
.PHONY: setup
setup:
	@.ci/setup

.PHONY: driver
driver: build
	@.ci/setup --driver ./$(BIN)

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{printf "  make %-12s %s\n", $$1, $$2}'
