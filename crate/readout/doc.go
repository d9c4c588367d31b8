// Package readout turns what a model computes into what people look at: masks
// from attention, and the choices that go with them. Everything here is a pure
// function of tensors and runs on the host. Steps that a device does faster, such
// as comparing all patches with each other, are outputs of the graph instead (Build).
//
// A map is the class token's attention over the patches of a grid, row-major,
// in float64.
package readout
