// Package loader is the room for everything that comes from disk.
//
//	loader/weights   safetensors, single files and sharded checkpoints
//	loader/picture   images: decode, orient, resize, normalise
//
// Both treat their input as hostile: they read with bounds, never map a file,
// check a limit before they allocate for it, and tell three things apart:
// malformed input, valid input that they don't support, and bugs of their own.
// Neither imports another package of this module outside loader.
package loader
