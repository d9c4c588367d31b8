package main

// intro and remarks are the parts of the page that do not change.
const intro = `# crate-vk beside its peers

<!-- Written by make bench-peers. The text is in cmd/internal/peers/text.go. -->

One command times crate-vk, PyTorch and onnxruntime on one machine, in one run, on
the same weights and the same pixels:

    make bench-peers                      # installs what is missing, runs, rewrites this page
    go run ./cmd/internal/peers -rounds 5 -cases 'S/16'

It takes about a quarter of an hour on two cores. Run it on a machine that does nothing else.

## What is compared

| peer | what it computes |
|---|---|
| PyTorch, published | CRATE as its papers state it, written by us in plain torch operators: three products for ISTA, the softmax scale applied to the scores, all tokens through the last layer |
| PyTorch, folded | the same function after crate-vk's algebra: ISTA as one matrix, LayerNorm's gain and bias in the next weight, the scale in the projection, the class row alone in the last layer. The centring stays in torch's layer_norm, which is fast |
| onnxruntime, published | what ` + "`crate-vk compile --without all --onnx FILE`" + ` writes |
| onnxruntime, folded | what ` + "`crate-vk compile --onnx FILE`" + ` writes: the graph that crate-vk runs, behind all its passes |
| crate-vk, 256 and 512 bits | the engine's API on the Vulkan device; on llvmpipe once for each vector width that the processor has. Rows with "tuned" use the kernel shapes that ` + "`crate-vk tune`" + ` has stored for the device, where it has; the others the static choice |
| ggml-Vulkan, folded | the folded layers in ggml's operators on the same Vulkan device, float32 tensors, its own choice of arithmetic; embedding and head are left out of its time. Some of the rounds only, in cases of its own, as it takes seconds |

Cases: CRATE-B/8 (emergence-b8, 785 tokens), CRATE-S/16 (crate-s16, 197 tokens) and the
embedded demo model, with a batch of b images, to the logits; and B/8's class-token map
at layer 10, which crate-vk reads without computing the rest, against PyTorch's full forward.
Weights are the presets' random ones, written once as safetensors and read by all.
Every peer takes 8-bit pixels and normalises them itself.

## How it is measured

- Each peer is a process of its own, started once, which loads the model, folds, compiles and warms up outside the measured time. Nothing else of the run computes meanwhile.
- Before timing, every peer's outputs are compared with those of PyTorch's published formulas: the largest distance must be at most 0.001 of the largest output (0.01 for ggml, whose products are in half precision where the device has it). The table has what it is.
- A round gives every peer one turn; the next round goes in the opposite order. A turn is one forward that is not counted, then one that is, or as many as fill 50 ms.
- Wall time is from pixels in memory to outputs in memory. CPU time is the process's user and system time, all threads, over the same span.
- A ratio is taken within each round; the median of the ratios is what counts, so that a busy minute falls on both sides.
- Everyone has all cores. Waiting threads of PyTorch (OpenMP's and OpenBLAS's) and of onnxruntime sleep instead of spinning: that costs them nothing measurable on idle cores, and their CPU time is their own work then. glibc keeps the memory that PyTorch's tensors leave, in huge pages (GLIBC_TUNABLES): without that the system clears it anew for each large tensor, which on a virtual machine was up to three quarters of B/8's CPU time.
- OpenBLAS takes a slow generic kernel on a processor that it does not know. Before anything else a layer (products and attention, all threads) is timed with the kernels of SkylakeX, Zen and Haswell and with its own choice, in rounds, and PyTorch runs with the one that takes the least CPU time, which other work on the machine disturbs less than the clock; the run below names it.
- The plan's products are timed by the device's timestamps around each dispatch. Alone means: the dispatch submitted by itself, the host waiting for it.
`

const remarks = `
## Remarks

- onnxruntime is the one to beat on a CPU, and crate-vk on a software device does not: in the loops that llvmpipe compiles a multiply-add is a multiplication and an addition, whatever the shader says, and every sum is masked, stored and loaded again each trip; [performance.md](performance.md) has what that costs.
- What crate-vk is for is a GPU. These rows say that its kernels waste little where they can be compared with the best on equal hardware; they say nothing of a GPU's speed.
- PyTorch's published rows are our code, not the authors': the same formulas, without their dropout modules and rearranging library. It is the slower of the two forms by its arithmetic, 78.5 against 56.3 GFLOP an image for B/8.
- Wall time on shared machines varies by factors; CPU time and ratios are steadier, and they are what the targets are about.
- ggml's and crate-vk's rows on llvmpipe show what a kernel family made for GPUs costs on it: ggml stages tiles in shared memory, which llvmpipe executes lane by lane.
- Not measured in this run: ncnn, whose Vulkan build no package that can be installed here has. In an earlier run on two cores of a Zen 4 server it took about 2,850 ms for S/16 and 36,500 ms for B/8 on llvmpipe (layers only), and on the CPU (AVX-512) 47 ms and 345 ms.
`
