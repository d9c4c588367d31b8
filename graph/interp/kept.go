package interp

import (
	"cmp"
	"slices"
)

// Kept is the mask of an autoencoder over n patches: they are shuffled by
// noise, the first count stay and are 1 (numerics 1.4). Noise is a hash of seed and
// patch, so that a mask is the same on every machine and in every version of Go.
func Kept(n, count, seed int) []float64 {
	mask, noise, order := make([]float64, n), make([]uint64, n), make([]int, n)
	start := splitmix64(uint64(seed))
	for i := range noise {
		noise[i], order[i] = splitmix64(start+uint64(i)), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(noise[a], noise[b]) })
	for _, i := range order[:count] {
		mask[i] = 1
	}
	return mask
}

// splitmix64 is the generator of Steele, Lea and Flood (OOPSLA 2014) from
// state x: one step and its output.
func splitmix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
