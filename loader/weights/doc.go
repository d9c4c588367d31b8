// Package weights reads and writes model weights in the safetensors format,
// as single files and as sharded checkpoints (an index and its shards).
//
// A file is untrusted. It is read with bounded reads and never mapped: a mapping
// of a file that somebody truncates kills the process. The header is checked
// completely before a tensor is handed out, so that a file that opens has one
// meaning: a name, a field or a metadata key that appears twice is refused, and
// so are tensors that overlap or leave holes.
//
// Errors are of two kinds. A [*FormatError] says that the file is malformed, an
// [*UnsupportedError] that it is well-formed and beyond what this package does.
// A file that changed while it was read is [ErrChanged]. All else comes from the
// operating system as it is.
//
// The format: https://github.com/huggingface/safetensors#format
package weights
