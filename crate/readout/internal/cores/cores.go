// Package cores divides loops among the processor's cores.
package cores

import (
	"runtime"
	"sync"
)

// Ranges calls f on consecutive ranges of 0 … n−1 of at least that many, one a
// core. What f does for an index must not depend on its range.
func Ranges(n, least int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), n/least)
	if workers <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { f(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
}
