// Package run executes plans: it opens devices, keeps weights and compiled
// kernels on them, and runs what a plan says, in submissions that stay short. A
// Computer may also be the interpreter running the same graph, or a simulated
// device. The package knows graphs and plans, and nothing of models.
//
// The promise of compatibility that package engine makes does not cover it.
package run
