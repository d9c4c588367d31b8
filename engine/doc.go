// Package engine runs CRATE and its relatives on any Vulkan device, or on the
// CPU by the reference interpreter: masks from attention, and every tensor
// that the papers read off the models.
//
//	eng, err := engine.Open(ctx)
//	model, err := eng.Load(ctx, source)        // engine.OpenModel, engine.Preset, demo.Model
//	seg, err := model.Segment(ctx, img)
//	defer eng.Close()
//
// An Engine may be used from several goroutines. Cancelling a context stops
// between submissions to the device. The package keeps no global state, never
// exits the process, and is silent unless WithLogger gives it a logger.
package engine
