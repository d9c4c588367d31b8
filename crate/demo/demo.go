// Package demo holds the model that crate-vk runs when it is given none: a
// small CRATE trained on drawn pictures, from class labels alone, in whose
// attention the object emerges. It is a package of its own, so that programs
// that embed the engine with their own models don't carry it.
package demo

import _ "embed"

// Name is what the model is called in messages and records.
const Name = "crate-demo"

// Safetensors is the model file: float16 weights with crate.* metadata, from
// which configuration, class names and the read-out's defaults follow.
//
//go:embed crate-demo.safetensors
var Safetensors []byte
