package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/engine/run"
)

// ofMatrices stands in a model's place for the kernels that measure cooperative matrices.
const ofMatrices = "matrices"

// matrixRow is such a kernel; its constants are the kind of matrices.
type matrixRow struct {
	row
	Products int // instructions of matrix units, 0: none, or the driver shows no machine code
	Loop     int // instructions from the first to the last of them
}

// compileMatrices compiles them for the kinds that the device has. No model is given any.
func compileMatrices(dev *run.Device, dialect isa.Dialect) (rows []matrixRow, err error) {
	m, err := dev.VK.OpenMatrices(true)
	if err != nil || m.Device == nil {
		return nil, err
	}
	defer m.Device.Close()
	kernels, err := measure.MatrixKernels(dev, m)
	if err != nil {
		return nil, err
	}
	for _, k := range kernels {
		pipe, err := m.Device.NewPipeline(k.Pipeline, nil)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", k.Peak, err)
		}
		text, err := pipe.Report(true)
		pipe.Destroy()
		if err != nil {
			return nil, err
		}
		r := matrixRow{row: row{Kernel: "peak_matrix", Constants: k.Peak.String(), Statistics: map[string]float64{}}}
		r.Products, r.Loop = countProducts(text)
		for name, n := range isa.Parse(text, dialect).Statistics {
			r.Statistics[name] = float64(n)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

var (
	// What matrix units execute: AMD's, NVIDIA's, Intel's.
	matrixProduct = regexp.MustCompile(`(?i)\b(v_(s?wmmac?|mfma)_\w+|[hi]mma|dpas)\b`)
	// What is no instruction: labels, braces of blocks, comments.
	noInstruction = regexp.MustCompile(`^\s*(//.*|;.*|\S*:|.*[{}] ?(->.*)?)?$`)
)

// countProducts counts the instructions of matrix units in machine code, and all from the
// first to the last of them: nearly all of the kernel's one loop.
func countProducts(text string) (products, loop int) {
	since := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case matrixProduct.MatchString(line):
			products++
			loop, since = loop+since+1, 0
		case products > 0 && !noInstruction.MatchString(line):
			since++
		}
	}
	return products, loop
}

// writeMatrices is the report's table of cooperative matrices.
func writeMatrices(b *strings.Builder, list []target, answers []*answer) {
	b.WriteString("## Cooperative matrices\n\n" + strings.TrimSpace(aboutMatrices) + "\n\n")
	b.WriteString("| GPU | factors and sums | matrix instructions | of the loop | registers | spills |\n|---|---|--:|--:|--:|--:|\n")
	var without []string
	for i, t := range list {
		if len(answers[i].Matrices) == 0 {
			without = append(without, t.gpu)
		}
		for _, r := range answers[i].Matrices {
			b.WriteString(matrixLine(t, r) + "\n")
		}
	}
	if without != nil {
		fmt.Fprintf(b, "\nDrivers without cooperative matrices: %s.\n", strings.Join(without, ", "))
	}
	b.WriteString("\n")
}

const aboutMatrices = `
` + "`crate-vk bench ceilings`" + ` measures matrix units by the kernel peak_matrix, which multiplies on registers alone; crate-vk's own kernels
use none. These are the kinds that the drivers report and that it has a variant for. **of the loop** is the share of matrix instructions
among all from the first to the last one.
`

func matrixLine(t target, r matrixRow) string {
	share := "–"
	if r.Products > 0 {
		share = fmt.Sprintf("%.0f %%", 100*float64(r.Products)/float64(r.Loop))
	}
	return fmt.Sprintf("| %s | %s | %d | %s | %.0f | %.0f |", t.gpu, r.Constants, r.Products, share, r.Statistics[t.driver.registers], t.driver.spilled(r.row))
}

// printMatrices writes that table alone.
func printMatrices() error {
	t, err := openTree()
	if err != nil {
		return err
	}
	answers, err := t.askAll(targets, question{Only: ofMatrices})
	if err != nil {
		return err
	}
	var b strings.Builder
	writeMatrices(&b, targets, answers)
	fmt.Print(b.String())
	return t.runMatrices()
}

// runMatrices measures what the tree's software device has, and fails where a result is
// wrong: no other driver at hand executes cooperative matrices.
func (t tree) runMatrices() error {
	icd, err := t.one("usr/share/vulkan/icd.d/lvp_icd*.json")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), childLimit)
	defer cancel()
	env := []string{"LC_ALL=C", "HOME=/tmp", "VK_DRIVER_FILES=" + icd, "VK_ICD_FILENAMES=" + icd, "LP_NATIVE_VECTOR_WIDTH=256"}
	cmd, err := t.command(ctx, env, "-child", softwareDevice)
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", softwareDevice, err)
	}
	var kinds []string
	if err := json.Unmarshal(out, &kinds); err != nil {
		return err
	}
	if len(kinds) == 0 {
		return fmt.Errorf("%s has no cooperative matrices in vectors of 256 bits", softwareDevice)
	}
	fmt.Printf("vendors: %s computes %s\n", softwareDevice, strings.Join(kinds, ", "))
	return nil
}

// softwareDevice is the target whose child measures instead of compiling.
const softwareDevice = "llvmpipe"

// measureMatrices is the child: the kinds whose results are right, an error where one is not.
func measureMatrices() error {
	ctx := context.Background()
	e, err := engine.Open(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	c, err := measure.DeviceCeilings(ctx, e)
	if err != nil {
		return err
	}
	kinds := []string{}
	for _, p := range c.Peaks {
		if p.Err != nil {
			return fmt.Errorf("%v: %w", p, p.Err)
		}
		if p.Scope != "" {
			kinds = append(kinds, p.String())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(kinds)
}
