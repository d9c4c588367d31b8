// Package window is what a window needs of the device that runs the model: a Canvas, which
// composes photographs, maps, masks, text and marks into a picture there, and a Screen, which
// brings that picture to a window's surface. Maps are rows of tensors that stayed on the device
// (engine.DeviceTensor): they don't leave it.
//
// All of it but this comment has the build tag viewer. The promise of compatibility that
// package engine makes does not cover it.
package window
