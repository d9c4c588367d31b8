package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/engine/plan"
)

// answered is what a child would say of a GPU: a product that a model uses, and a row sum of
// the verify suite.
func answered(t target, mesa string, change func(*row)) *answer {
	d := t.driver
	one := func(kernel, user string) row {
		r := row{Kernel: kernel, Constants: "LANES=32", Used: []string{user}, Statistics: map[string]float64{d.registers: 80, d.occupancy: 24, d.size: 700}}
		for _, s := range d.spills {
			r.Statistics[s] = 0
		}
		return r
	}
	a := &answer{Device: "stub", Driver: d.name + " Mesa " + mesa, Rows: []row{one("linear_tiles", models()[0]), one("layernorm", ofVerify)}}
	a.Rows[0].Hot = &hotLoop{Counts: isa.Counts{Flops: 128, SharedBytes: 64}, Prediction: isa.Prediction{Share: 0.875, By: "issue"}}
	a.Former = []row{one("linear_tiles", models()[0]), one("linear_tiles", models()[0])}
	a.Former[1].Statistics[d.spills[0]] = 1360
	for i := range a.Rows {
		change(&a.Rows[i])
	}
	return a
}

// TestVerdict: what fails the check, what is only said.
func TestVerdict(t *testing.T) {
	list := []target{targets[0]}
	d := list[0].driver
	same := func(*row) {}
	old := report(list, []*answer{answered(list[0], "26.1.6", same)})
	for name, x := range map[string]struct {
		mesa   string
		change func(*row)
		fails  string // "": does not
		says   string
	}{
		"nothing new":                {"26.1.6", same, "", "up to date"},
		"a newer Mesa, nothing new":  {"26.2.0", same, "", "up to date"},
		"a spill":                    {"26.1.6", func(r *row) { r.Statistics[d.spills[0]] = 3 }, "linear_tiles LANES=32 spills 3", ""},
		"a spill outside the models": {"26.1.6", func(r *row) { r.Statistics[d.spills[1]] = float64(strings.Count(r.Kernel, "norm")) }, "layernorm LANES=32 spills 1", ""},
		"a spill of a newer Mesa":    {"26.2.0", func(r *row) { r.Statistics[d.spills[0]] = 3 }, "", "spills 3"},
		"too few in flight":          {"26.1.6", func(r *row) { r.Statistics[d.occupancy] = 12 }, "linear_tiles LANES=32 keeps 12 subgroups in flight, want 16", ""},
		"other registers":            {"26.1.6", func(r *row) { r.Statistics[d.registers] = 81 }, "is not what the kernels give", ""},
		"another hot loop": {"26.1.6", func(r *row) {
			if r.Hot != nil {
				r.Hot.Share = 0.5
			}
		}, "| 50.0 % | issue |", ""},
		"another estimate": {"26.1.6", func(r *row) { r.Statistics[d.cycles] = 31 }, "before and after: | | | now", ""},
	} {
		said, err := verdict("vendors.md", old, list, []*answer{answered(list[0], x.mesa, x.change)})
		if (err != nil) != (x.fails != "") || err != nil && !strings.Contains(err.Error(), x.fails) {
			t.Errorf("%s: error %v, want %q", name, err, x.fails)
		}
		if !strings.Contains(said, x.says) {
			t.Errorf("%s: said %q, want %q", name, said, x.says)
		}
	}
}

// TestComparison: of each kernel the worst variant is shown, for its outputs and for the
// subgroup that it was compiled for.
func TestComparison(t *testing.T) {
	one := func(constants string, cycles, spills float64) row {
		return row{Kernel: "linear_tiles", Constants: constants, Used: []string{models()[0]}, Statistics: map[string]float64{"Max live registers": 700, "Max dispatch width": 32, "Cycles": cycles, "Spills": spills}}
	}
	large := "INVOCATIONS=128 BM=64 BN=128 BK=16 TM=8 TN=8 LX=8"
	small := one("INVOCATIONS=64 BM=32 BN=32 BK=16 TM=4 TN=4 LX=8 NORM", 8192, 0)
	small.Statistics["Max dispatch width"] = 8
	a := &answer{Rows: []row{small}, Former: []row{one(large, 1024, 7), one(large+" NORM", 409600, 1360), one(large, 2048, 0)}, FormerSubgroup: 32, Subgroup: 8}
	want := []string{
		"| a GPU | linear_tiles | before | 64 × 128, 8 × 8 of an invocation | 32 | 700 | 1360 | 32 | 409600 | 200.0 |",
		"| | | now | 32 × 32, 4 × 4 of an invocation | 8 | 700 | 0 | 8 | 8192 | 64.0 |",
	}
	if got := comparisonLines([]target{{gpu: "a GPU", driver: anv}}, []*answer{a}); !slices.Equal(got, want) {
		t.Errorf("compared\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := comparisonLines([]target{{gpu: "a GPU", driver: anv}}, []*answer{{Rows: a.Rows}}); len(got) > 0 {
		t.Errorf("compared with nothing: %q", got)
	}
}

// TestTreeRefused: a folder of something else is not made a tree, which would empty it.
func TestTreeRefused(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(precious, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CRATE_VK_VENDORS", dir)
	t.Setenv("CRATE_VK_MIRROR", "http://127.0.0.1:1/debian") // nothing is fetched even so
	if _, err := openTree(); err == nil || !strings.Contains(err.Error(), "is no tree") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

// TestGiven: what is compiled has every model, shapes that only tune would choose, and every
// form of the GPU family that the verify suite uses.
func TestGiven(t *testing.T) {
	lim := plan.BaselineLimits()
	lim.MaxInvocations, lim.MaxShared, lim.MaxWorkgroupSize = 1024, 65536, [3]int{1024, 1024, 64}
	lim.Shuffle, lim.Ballot, lim.Storage16, lim.ComputeUnits, lim.Processor = true, true, true, 80, plan.RDNA
	lim.Memory, lim.MaxStorageRange = 16<<30, 1<<31
	list, err := given(lim, true)
	if err != nil {
		t.Fatal(err)
	}
	users, kernels := map[string]int{}, map[string]int{}
	for _, v := range list {
		kernels[v.dispatch.Kernel.Name]++
		for _, u := range v.used {
			users[u]++
		}
	}
	for _, u := range append(models(), ofShapes, ofVerify) {
		if users[u] == 0 {
			t.Errorf("nothing is compiled for %s", u)
		}
	}
	for _, k := range []string{"linear_tiles", "linear_tiles.f16", "attend_uniform", "attend_uniform.f16", "attend_map", "affinity_bits", "linear"} {
		if kernels[k] == 0 {
			t.Errorf("%s is not compiled", k)
		}
	}
	if n := kernels["linear_tiles"]; n < 2*(len(plan.TileNames())-1) {
		t.Errorf("%d variants of linear_tiles: fewer than two of each shape", n)
	}
}
