// Package engine runs CRATE and its relatives on any Vulkan device, or on the
// CPU by the reference interpreter: masks from attention, and every tensor
// that the papers read off the models.
//
//	eng, err := engine.Open(ctx)
//	defer eng.Close()
//	model, err := eng.Load(ctx, source)        // of OpenModel, OpenModelBytes, Preset or NewModelSource
//	seg, err := model.Segment(ctx, img)
//
// What is read off a model is a Readout, a value that Attention, MaskCut,
// FeaturesOf and others make; it runs over a stream, a batch or one image.
// A graph of the caller's own, made by graph.NewBuilder, runs as a Program of
// Engine.Compile. Its tensors may stay on the device for the next one, and so may
// a model's, of Model.Compile.
//
// Package run executes plans, package prove tests kernels, and package measure
// takes times; this one holds models and images together.
//
// An Engine may be used from several goroutines. Cancelling a context stops
// between submissions to the device. The package keeps no global state, never
// exits the process, and is silent unless WithLogger gives it a logger.
package engine
