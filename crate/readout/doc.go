// Package readout turns what a model computes into what people look at: masks
// from attention, and the choices that go with them. Everything here is a pure
// function of tensors; what is worth a device is a graph that the engine runs.
//
// A map is the class token's attention over the patches of a grid, row-major,
// in float64.
package readout
