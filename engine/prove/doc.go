// Package prove holds a device's kernels against the interpreter: each variant
// by a small case before its first use, and whole models dispatch by dispatch. A
// kernel that fails is disabled, and plans are made without it.
//
// The promise of compatibility that package engine makes does not cover it.
package prove
