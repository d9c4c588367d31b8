package measure

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// Usage is what the process has used so far: CPU time on all cores, and the
// largest resident memory in bytes (VmHWM), 0 where the system has no /proc.
// Software devices are part of it.
func Usage() (cpu time.Duration, peak int64) { return run.ProcessTime(), peakMemory() }

// peakMemory reads /proc: the maximum that getrusage tells includes what the
// process that started this one used.
func peakMemory() int64 {
	f, _, err := regular.Open("/proc/self/status", regular.Proc)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if kb, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			var n int64
			if _, err := fmt.Sscan(kb, &n); err == nil {
				return n << 10
			}
		}
	}
	return 0
}
