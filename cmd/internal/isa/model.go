package isa

// Counts are the instructions of a hot loop, rare blocks left out.
type Counts struct {
	Of          [units]int
	Flops       int // of a lane
	SharedBytes int // of a lane, both ways
	LoadBytes   int // of a lane
}

// Count sums up the hot loop.
func (c *Code) Count(hot Loop) Counts {
	var n Counts
	for _, k := range hot.Blocks {
		if k != hot.Head && c.rare(k) {
			continue
		}
		for _, in := range c.Blocks[k].Code {
			n.add(in)
		}
	}
	return n
}

func (n *Counts) add(in Instruction) {
	n.Of[in.Unit]++
	n.Flops += in.Flops
	switch in.Unit {
	case Shared:
		n.SharedBytes += in.Bytes
	case Load:
		n.LoadBytes += in.Bytes
	}
}

// Vector counts the instructions that compute or move values of all lanes.
func (n Counts) Vector() int {
	return n.Of[MultiplyAdd] + n.Of[Float] + n.Of[Integer] + n.Of[Move] + n.Of[Special]
}

// Issued counts what a scheduler issues: waits take none of its time, as another subgroup's
// instruction may be issued meanwhile.
func (n Counts) Issued() int {
	all := 0
	for _, of := range n.Of {
		all += of
	}
	return all - n.Of[Wait]
}

// Density is the share of multiply-adds among the vector instructions.
func (n Counts) Density() float64 { return float64(n.Of[MultiplyAdd]) / float64(max(n.Vector(), 1)) }

// Prediction is an upper bound of a loop's share of fp32 peak, and the unit that sets it.
type Prediction struct {
	Share float64
	By    string
}

// Predict bounds the loop by each unit in turn that the GPU's row describes. Latency counts
// as hidden, instruction and scalar caches as hit, all of an image's tiles as resident in the
// second-level cache. occupancy is the subgroups of a SIMD: with less than one it scales.
func (g GPU) Predict(n Counts, occupancy float64) Prediction {
	flops := float64(n.Flops)
	p := Prediction{1, "arithmetic"}
	bound := func(name string, peak float64, amount int) { // peak: flops for each of the amount
		if share := flops / (peak * float64(max(amount, 1))); peak > 0 && share < p.Share {
			p = Prediction{share, name}
		}
	}
	slots := 0
	for _, unit := range g.Pipe {
		slots += n.Of[unit]
	}
	bound("arithmetic", g.FlopsSlot, slots+g.SpecialSlots*n.Of[Special])
	bound("issue", g.FlopsIssue, n.Issued())
	bound("scalar", g.FlopsScalar, n.Of[Scalar]+n.Of[Control])
	perByte := func(rate float64) float64 {
		if rate == 0 {
			return 0
		}
		return g.Flops / rate
	}
	bound("shared memory", perByte(g.Shared), n.SharedBytes)
	bound("first cache", perByte(g.L1), n.LoadBytes)
	bound("second cache", perByte(g.L2), n.LoadBytes)
	p.Share *= min(1, occupancy)
	return p
}
