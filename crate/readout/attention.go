package readout

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Keep says which patches (or pixels) of a map become the mask. The zero value leaves
// it to the default.
type Keep struct {
	Count bool    // by count of entries (the paper's text), else by mass (DINO's code)
	Share float64 // 0 … 1
}

// ParseKeep reads mass:0.6 or count:0.6.
func ParseKeep(s string) (Keep, error) {
	kind, num, ok := strings.Cut(s, ":")
	share, err := strconv.ParseFloat(num, 64)
	k := Keep{kind == "count", share}
	if !ok || err != nil || k.Check() != nil || kind != "mass" && kind != "count" {
		return Keep{}, fmt.Errorf("keep %q: want mass:SHARE or count:SHARE with a share above 0 and up to 1", s)
	}
	return k, nil
}

// Check reports a share that keeps nothing or more than there is.
func (k Keep) Check() error {
	if !(k.Share > 0 && k.Share <= 1) {
		return fmt.Errorf("keep %v: want a share above 0 and up to 1", k)
	}
	return nil
}

func (k Keep) String() string {
	kind := "mass"
	if k.Count {
		kind = "count"
	}
	return kind + ":" + strconv.FormatFloat(k.Share, 'g', -1, 64)
}

// Select marks the entries of a map that are kept; entries must not be
// negative. Of equal values the later ones are dropped first.
//
// By mass m (numerics 4.2): the map is normalised to sum 1 and sorted; an entry
// is kept iff the cumulative sum up to and including it, from the smallest on,
// exceeds 1 − m, so the entry that crosses the line is kept. By count: the
// round(m·N) largest, halves rounded away from zero.
func (k Keep) Select(a []float64) []bool {
	order := make([]int, len(a)) // what is dropped first stands first
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if a[i] != a[j] {
			return cmp.Compare(a[i], a[j])
		}
		return cmp.Compare(j, i)
	})
	kept := make([]bool, len(a))
	if k.Count {
		for _, i := range order[len(a)-int(math.Round(k.Share*float64(len(a)))):] {
			kept[i] = true
		}
		return kept
	}
	total, c := 0.0, 0.0
	for _, i := range order {
		total += a[i]
	}
	for _, i := range order {
		c += a[i]
		kept[i] = c > (1-k.Share)*total
	}
	return kept
}

// PatchMap is head k of cls, the class token's attention [heads n] with n
// counting the prefix tokens, over the patches alone. It sums to less than 1.
func PatchMap(cls []float32, heads, prefix, k int) []float64 {
	n := len(cls) / heads
	m := make([]float64, n-prefix)
	for j := range m {
		m[j] = float64(cls[k*n+prefix+j])
	}
	return m
}

// MeanMap is the mean of the heads' maps, normalised over the patches.
func MeanMap(cls []float32, heads, prefix int) []float64 {
	n := len(cls) / heads
	m := make([]float64, n-prefix)
	for k := range heads {
		for j := range m {
			m[j] += float64(cls[k*n+prefix+j]) / float64(heads)
		}
	}
	return Normalise(m)
}

// Normalise scales a map to sum 1, in place. A map of zeros stays.
func Normalise(m []float64) []float64 {
	sum := 0.0
	for _, x := range m {
		sum += x
	}
	if sum > 0 {
		for i := range m {
			m[i] /= sum
		}
	}
	return m
}

// Mean is the mean of maps of one grid.
func Mean(maps [][]float64) []float64 {
	m := make([]float64, len(maps[0]))
	for _, x := range maps {
		for i, v := range x {
			m[i] += v / float64(len(maps))
		}
	}
	return m
}

// Bilinear resamples a map of rows × columns to height × width with half-pixel
// centres and clamped edges.
func Bilinear(m []float64, rows, columns, height, width int) []float64 {
	ys, yw := taps(rows, height)
	xs, xw := taps(columns, width)
	out := make([]float64, height*width)
	line := make([]float64, columns)
	for y := range height {
		a, b := m[ys[y]*columns:(ys[y]+1)*columns], m[min(ys[y]+1, rows-1)*columns:]
		for x := range columns {
			line[x] = a[x] + yw[y]*(b[x]-a[x])
		}
		for x := range width {
			l, r := line[xs[x]], line[min(xs[x]+1, columns-1)]
			out[y*width+x] = l + xw[x]*(r-l)
		}
	}
	return out
}

// taps gives, for each output, the first of its two inputs and the weight of
// the second.
func taps(in, out int) (first []int, weight []float64) {
	first, weight = make([]int, out), make([]float64, out)
	for o := range out {
		c := min(max((float64(o)+0.5)*float64(in)/float64(out)-0.5, 0), float64(in-1))
		first[o] = int(c)
		weight[o] = c - float64(first[o])
	}
	return first, weight
}
