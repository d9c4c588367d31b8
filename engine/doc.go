// Package engine runs CRATE and its relatives on any Vulkan device, or on the
// CPU by the reference interpreter: masks from attention, and every tensor that the
// papers read off the models.
//
//	eng, err := engine.Open(ctx)
//	defer eng.Close()
//	source, err := engine.OpenModel("model.safetensors", engine.ModelOptions{})
//	model, err := eng.Load(ctx, source)
//	seg, err := model.Segment(ctx, img)
//
// # Read-outs
//
// What is read off a model is a [Readout], a value that a function makes of a struct of
// options, whose zero value means the defaults:
//
//	Attention MaskCut TokenCut Parts    masks and parts
//	Classify Embed                      classes, one vector an image
//	FeaturesOf Analyze Reconstruct      tensors, measures of the layers, a decoder's patches
//
// Each runs over one image (One), several (Batch) or a stream of them (Stream), in which
// loading, computing and finishing overlap. A [Batcher] joins the calls of many goroutines
// into batches. A graph of one's own runs on the same device by [Engine.Compile].
//
// Shapes are written with the slowest axis first, by these letters: B images, n tokens,
// of which the last N are patches and those before them class tokens, d the width of a
// token, h heads of p channels each, K classes, P the side of a patch in pixels, L a
// layer, counted from 0. "numerics 4.4" is that section of docs/numerics.md.
//
// # Cancelling, closing, failing
//
// An Engine and what it makes may be used from several goroutines. A call returns
// when its context ends; what the device is doing then ends behind it, before the next
// submission. [Engine.Close] and [Model.Close] end what is under way, and later calls give
// [ErrClosed] and [ErrModelClosed].
//
// What is wrong with one image is that image's error; what a caller's code panics with is
// a [PanicError]. A lost device is opened once more, and its work repeated.
//
// # What it keeps to itself, and what it can't
//
// The package never exits the process, writes no file but below the folder of
// [WithCache] and, of [Parts], a temporary one, and is silent unless [WithLogger] gives it a logger. Engines are
// independent of each other, but for what Vulkan has once a process: its validation layers
// and the driver's settings. The first engine decides about them; one that asks for
// something else gets [ErrConflict].
//
// docs/embedding.md has complete programs, and says what of this API is promised to stay.
// Packages below this one (expert, measure, prove, run, plan, vk) are not part of it.
package engine
