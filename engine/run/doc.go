// Package run executes plans: it opens devices, keeps weights and pipelines on
// them, and runs what a plan says, or the same graph in the interpreter. It
// knows nothing of models.
package run
