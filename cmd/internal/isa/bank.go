package isa

// Shared memory has 32 banks of four bytes; lanes that read one word share it.
// A read of 16 bytes a lane is served in groups of eight lanes.
const banks, groupLanes, wordsRead = 32, 8, 4

// readCycles are the clocks that one 16-byte read of 32 lanes takes: in each
// group as many as the busiest bank has distinct words.
func readCycles(word func(lane int) int) int {
	cycles := 0
	for first := 0; first < 32; first += groupLanes {
		var words [banks]map[int]bool
		busiest := 0
		for lane := first; lane < first+groupLanes; lane++ {
			for w := range wordsRead {
				at := word(lane) + w
				b := at % banks
				if words[b] == nil {
					words[b] = map[int]bool{}
				}
				words[b][at] = true
				busiest = max(busiest, len(words[b]))
			}
		}
		cycles += busiest
	}
	return cycles
}

// TileBankCycles are the shared-memory clocks for one multiply-add instruction
// of linear_tiles: the reads of both fragments for one k of every subgroup,
// over the TM·TN multiply-adds that they feed. The addresses are those of the
// shader: see shaders/linear_tiles.comp.
func TileBankCycles(bm, bn, tm, tn, lx int) float64 {
	nx, ny := bn/tn, bm/tm
	ly := 32 / lx
	cycles, groups := 0, max(nx*ny/32, 1)
	for g := range groups {
		tx := func(lane int) int { return lane%lx + lx*(g%max(nx/lx, 1)) }
		ty := func(lane int) int { return lane/lx + ly*(g/max(nx/lx, 1)) }
		for i := 0; i < tm; i += 4 {
			cycles += readCycles(func(lane int) int { return ty(lane)*4 + i*ny })
		}
		for j := 0; j < tn; j += 4 {
			cycles += readCycles(func(lane int) int { return tx(lane)*4 + j*nx })
		}
	}
	return float64(cycles) / float64(groups*tm*tn)
}
