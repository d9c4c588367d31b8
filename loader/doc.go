// Package loader is the room for everything that comes from disk.
//
//	loader/weights   safetensors, single files and sharded checkpoints
//	loader/pth       PyTorch checkpoints, which it reads and never runs
//	loader/picture   images: decode, orient, resize, normalise
//
// All treat their input as hostile: they read with bounds, never map a file,
// check a limit before they allocate for it, and tell three things apart:
// malformed input, valid input that they don't support, and bugs of their own.
// Beside one another they import package graph alone, for half floats.
package loader
