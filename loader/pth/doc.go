// Package pth reads the tensors of PyTorch checkpoints (.pth, .pt): the zip
// archives that torch.save has written since version 1.6, and the stream of
// pickles that it wrote before.
//
// A pickle is a program. Here it runs on a machine that knows the operations that
// PyTorch's pickler emits and no others, and whose "globals" are a fixed list of
// names (globals.go): containers, storages, tensors, and types like
// argparse.Namespace whose values are kept as plain data or dropped. Nothing is
// looked up, imported or called; any other name ends the reading with a
// [*RefusedError]. All that a file can ask for is bounded (limits.go) before it is
// granted: operations, memory, nesting, names, and the size of what is read off a
// storage, whose strides may repeat its elements.
//
// The machine is our own, and not github.com/nlpodyssey/gopickle: that one makes
// a buffer of the length that an operation states before it reads (14 bytes that
// announce a string of 2^46 end the process, which no recover can prevent), has no
// limit on operations, memo or nesting, and its PyTorch reader takes the last of
// two zip entries with one base name and loads every storage into memory. Limits
// can't be put around it from outside.
//
// Zip entries must be stored, as torch.save stores them; their names are keys and
// never paths. Checksums aren't compared: PyTorch doesn't, and may leave them out.
//
// Errors are those of package weights ([weights.FormatError],
// [weights.UnsupportedError], [weights.ErrChanged]) and [*RefusedError].
package pth
