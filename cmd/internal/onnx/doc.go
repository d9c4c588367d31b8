// Package onnx writes a graph as an ONNX model, so that other runtimes compute
// what the engine computes: for comparison, and for devices without Vulkan.
//
// The model takes what the engine takes, 8-bit RGB pixels [B Y X 3] under the
// name "image", at the batch and size for which the graph was built; its outputs
// have the graph's names. Weights are evaluated in float64 and rounded once to
// float32, as the engine does. Operators are those of opset 17.
package onnx
