package isa

import "slices"

// GPU is a GPU's throughput, per compute unit and clock.
type GPU struct {
	Name  string
	Card  string
	Flops float64 // fp32 peak; where the GPU issues two multiply-adds at once it takes them
	// Bytes that shared memory, the first vector cache and the second-level
	// cache deliver.
	Shared, L0, L2 float64
	// FlopsSlot is the flops of one lane in one vector issue slot at peak: 2,
	// or 4 with dual issue.
	FlopsSlot float64
	Lanes     int // of a subgroup
}

// GPUs are the GPUs of the report.
func GPUs() []GPU {
	return []GPU{
		{Name: "NAVI21", Card: "RX 6900 XT, 80 compute units", Flops: 128, Shared: 128, L0: 64, L2: 1024.0 / 80, FlopsSlot: 2, Lanes: 32},
		{Name: "GFX1100", Card: "RX 7900 XTX, 96 compute units", Flops: 256, Shared: 128, L0: 64, L2: 1536.0 / 96, FlopsSlot: 4, Lanes: 32},
		{Name: "VEGA10", Card: "Vega 64, 64 compute units", Flops: 128, Shared: 128, L0: 64, L2: 1024.0 / 64, FlopsSlot: 2, Lanes: 64},
	}
}

// Model is the GPU of that name.
func Model(name string) GPU {
	gpus := GPUs()
	return gpus[slices.IndexFunc(gpus, func(g GPU) bool { return g.Name == name })]
}

// Counts are the instructions of a hot loop, rare blocks left out.
type Counts struct {
	MultiplyAdds int // vector instructions that multiply and add
	Flops        int // of a lane
	Vector       int
	Quarter      int // transcendentals among them
	Scalar       int // with branches
	ScalarLoads  int

	SharedBytes int // of a lane, both ways
	LoadBytes   int // of a lane, through the vector caches
}

// Count sums up the hot loop.
func (c *Code) Count(hot Loop) Counts {
	var n Counts
	for k := hot.First; k <= hot.Last; k++ {
		if k > hot.First && c.rare(k) {
			continue
		}
		for _, i := range c.Blocks[k].Code {
			n.count(i)
		}
	}
	return n
}

func (n *Counts) count(i Instruction) {
	switch i.class() {
	case vector:
		n.Vector++
		if f := i.flops(); f > 0 {
			n.MultiplyAdds++
			n.Flops += f
		}
		if i.quarterRate() {
			n.Quarter++
		}
	case shared:
		n.SharedBytes += i.bytes()
	case vectorMemory:
		if !i.writes() {
			n.LoadBytes += i.bytes()
		}
	case scalarMemory:
		n.ScalarLoads++
	case scalar, branching:
		n.Scalar++
	}
}

// Density is the share of multiply-adds among the vector instructions.
func (n Counts) Density() float64 { return float64(n.MultiplyAdds) / float64(max(n.Vector, 1)) }

// Prediction is an upper bound of a loop's share of fp32 peak, and the unit
// that sets it.
type Prediction struct {
	Share float64
	Bound string
}

// Predict bounds the loop by each unit in turn: the vector unit, a slot for
// each instruction and four for a transcendental; shared memory, the first
// cache and the second-level cache by the bytes they deliver; the scalar unit,
// one instruction in a vector slot. Latency counts as hidden, instruction and
// scalar caches as hit, all of an image's tiles as resident in the second
// level. occupancy is the subgroups of a SIMD: with less than one it scales.
func (g GPU) Predict(n Counts, occupancy float64) Prediction {
	flops := float64(n.Flops)
	p := Prediction{flops / (g.FlopsSlot * float64(max(n.Vector+3*n.Quarter, 1))), "vector"}
	bound := func(name string, share float64) {
		if share < p.Share {
			p = Prediction{share, name}
		}
	}
	perByte := func(rate float64, bytes int) float64 { return rate * flops / (g.Flops * float64(max(bytes, 1))) }
	bound("shared memory", perByte(g.Shared, n.SharedBytes))
	bound("L0", perByte(g.L0, n.LoadBytes))
	bound("L2", perByte(g.L2, n.LoadBytes))
	bound("scalar", flops/(g.FlopsSlot*float64(max(n.Scalar, 1))))
	p.Share *= min(1, occupancy)
	return p
}
