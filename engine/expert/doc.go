// Package expert has what crate-vk's own commands need beside the API: options that
// change how kernels are chosen and compiled, a comparison of a device with the
// interpreter, and what planning knows of a device that is not opened.
//
// The promise of compatibility that package engine makes does not cover it: what
// stands here may change with any version.
package expert
