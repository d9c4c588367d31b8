//go:build cgo

package vk

import "testing"

// TestTicks: timestamps have fewer bits than 64 on many devices, and begin again.
func TestTicks(t *testing.T) {
	for _, x := range []struct {
		from, to uint64
		bits     int
		want     uint64
	}{{5, 9, 64, 4}, {5, 9, 36, 4}, {1<<36 - 3, 4, 36, 7}, {1<<20 - 1, 0, 20, 1}, {1<<64 - 1, 1, 64, 2}} {
		if got := ticks(x.from, x.to, x.bits); got != x.want {
			t.Errorf("from %d to %d of %d bits: %d, want %d", x.from, x.to, x.bits, got, x.want)
		}
	}
}
