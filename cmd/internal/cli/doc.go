// Package cli is what the commands of this project share on the command line: flags that choose
// model, device, inputs and read-outs, the bounds of their numbers, exit codes, log lines,
// signals.
package cli
