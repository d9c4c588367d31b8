// Package prove holds the device's kernels against the interpreter: each
// variant by a small case before its first use, and whole models dispatch by
// dispatch.
package prove
