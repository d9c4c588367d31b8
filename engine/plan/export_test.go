package plan

import "github.com/crate-vk/crate-vk/graph"

// Lowers reports that some kernel computes an op.
func Lowers(op graph.Op) bool { return op == graph.OpInput || len(table[op]) > 0 }
