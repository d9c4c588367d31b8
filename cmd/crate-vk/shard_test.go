package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/crate-vk/crate-vk/loader/weights"
)

// shard writes a safetensors file as a sharded checkpoint: shard FILE DIR N
// [TENSOR]. The tensors go round the shards, so that every layer is spread; the
// index claims that TENSOR, which is nowhere, is in the last one.
func shard(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: shard FILE DIR N [TENSOR]")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	f, err := weights.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o755))
	parts := make([][]weights.Tensor, n)
	at := map[string]string{}
	total := 0
	for i, info := range f.Tensors() {
		raw, err := f.ReadBytes(info.Name)
		ts.Check(err)
		parts[i%n] = append(parts[i%n], weights.Tensor{Name: info.Name, DType: info.DType, Shape: info.Shape, Raw: raw})
		at[info.Name] = shardName(i%n, n)
		total += len(raw)
	}
	for i, list := range parts {
		out, err := os.Create(filepath.Join(dir, shardName(i, n)))
		ts.Check(err)
		ts.Check(weights.Write(out, list, f.Metadata()))
		ts.Check(out.Close())
	}
	for _, name := range args[3:] {
		at[name] = shardName(n-1, n)
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]int{"total_size": total}, "weight_map": at})
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, weights.IndexName), text, 0o644))
}

func shardName(i, n int) string { return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n) }
