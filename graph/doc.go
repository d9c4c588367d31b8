// Package graph is the intermediate representation of crate-vk: a model, and
// what is read off it, as a list of values in topological order.
//
// A Value is one operation on earlier values. It has a Type: an element type
// and a shape whose axes are named (B images, N tokens, C channels, H heads,
// D head dimension, R rows and K columns of a weight). The op table in
// table.go is the only list of operations: names, arguments, attributes, shape
// inference and cost. What an operation means is defined by the interpreter
// (package graph/interp).
//
// A value is static when it depends on parameters alone. Rewrites make new
// weights as static expressions, so a printed graph together with a weight
// file is complete: whoever runs it evaluates these expressions in float64
// once, and rounds once.
//
// A graph prints as text, one line a value, and parses back to an equal graph.
package graph
