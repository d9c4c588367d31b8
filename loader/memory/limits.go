// Package memory says how much memory the process may have, and keeps what it takes for pictures
// below that.
package memory

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Limit is a bound on the memory of the process, and what sets it.
type Limit struct {
	Bytes int64  // math.MaxInt64: nothing is known
	What  string // "the address-space limit (ulimit -v)", ...
}

func (l Limit) String() string { return fmt.Sprintf("%s of %d MB", l.What, l.Bytes>>20) }

// Room is what the process may still take at the most, and the limit that says so.
type Room struct {
	Bytes  int64
	Limit  Limit
	Shrunk bool // by what the process has mapped already, budgets' takers included
}

// Unlimited is the value of a resource limit that is none.
const Unlimited = math.MaxUint64

// System is where limits are read from: the root of the file system, below which are proc and
// sys, and the process's limit on its address space.
type System struct {
	Root         fs.FS
	AddressSpace uint64 // bytes; Unlimited
}

// Room is the tightest of address space, control groups and physical memory, less a quarter for all
// that nobody counts. Of the address space what is mapped already counts, as code and stacks
// take much of a small one. What can't be read sets no limit.
func (s System) Room() Room {
	best := Room{Bytes: math.MaxInt64, Limit: Limit{math.MaxInt64, "no limit"}}
	take := func(l Limit, used int64) {
		if free := max(l.Bytes-used, 0); free < best.Bytes {
			best = Room{Bytes: free, Limit: l}
		}
	}
	if total := s.physical(); total > 0 {
		take(Limit{total, "physical memory"}, total/4)
	}
	for _, l := range s.groups() {
		take(l, l.Bytes/4)
	}
	if s.AddressSpace < math.MaxInt64 {
		l := Limit{int64(s.AddressSpace), "the address-space limit (ulimit -v)"}
		// The heap grows in pieces of 64 MB, threads come, and garbage has its share.
		take(l, s.mapped()+128<<20+max(l.Bytes-s.mapped(), 0)/4)
		best.Shrunk = best.Limit == l
	}
	return best
}

// read is a small file of the system's, nil where there is none.
func (s System) read(name string) []byte {
	data, err := fs.ReadFile(s.Root, strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil
	}
	return data
}

// physical is MemTotal of /proc/meminfo.
func (s System) physical() int64 {
	for line := range strings.Lines(string(s.read("proc/meminfo"))) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "MemTotal:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// mapped is the size of the address space that is in use.
func (s System) mapped() int64 {
	for line := range strings.Lines(string(s.read("proc/self/status"))) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "VmSize:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// mount is a hierarchy of control groups that is mounted.
type mount struct {
	v2          bool
	root, point string // the group that is mounted, and where
}

// mounts are those that have the memory controller. Source: proc(5), mountinfo; fields are
// separated from the optional ones before them by a dash.
func (s System) mounts() (list []mount) {
	lines := bufio.NewScanner(bytes.NewReader(s.read("proc/self/mountinfo")))
	for lines.Scan() {
		front, back, ok := strings.Cut(lines.Text(), " - ")
		f, b := strings.Fields(front), strings.Fields(back)
		if !ok || len(f) < 5 || len(b) < 3 {
			continue
		}
		v2 := b[0] == "cgroup2"
		if v2 || b[0] == "cgroup" && has(b[2], "memory") {
			list = append(list, mount{v2, f[3], f[4]})
		}
	}
	return list
}

// has reports a word in a list that commas separate.
func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// groups are the limits of the process's control groups and of all above them. Source:
// the kernel's documentation of cgroup v1 (memory.limit_in_bytes) and v2 (memory.max, which kills,
// and memory.high, above which a process is slowed to a standstill).
func (s System) groups() (list []Limit) {
	own := map[bool]string{} // by version
	for line := range strings.Lines(string(s.read("proc/self/cgroup"))) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && (f[0] == "0" && f[1] == "" || has(f[1], "memory")) {
			own[f[1] == ""] = f[2]
		}
	}
	for _, m := range s.mounts() {
		group, ok := own[m.v2]
		if !ok {
			continue
		}
		files := []string{"memory.max", "memory.high"}
		if !m.v2 {
			files = []string{"memory.limit_in_bytes"}
		}
		// In a container the path may be that of the host, of which only the group itself is
		// mounted.
		below := strings.TrimPrefix(path.Clean("/"+group), strings.TrimSuffix(m.root, "/"))
		if m.root != "/" && !strings.HasPrefix(path.Clean("/"+group), m.root) {
			below = "/"
		}
		for at := path.Clean("/" + below); ; at = path.Dir(at) {
			for _, file := range files {
				name := path.Join(m.point, at, file)
				n, err := strconv.ParseInt(strings.TrimSpace(string(s.read(name))), 10, 64)
				if err == nil && n > 0 && n < 1<<60 { // v1 says none by a number near 2^63
					list = append(list, Limit{n, "the control group's limit " + name})
				}
			}
			if at == "/" {
				break
			}
		}
	}
	return list
}

// Here is the system that the process runs on. Limits are read when it is first asked for.
var Here = sync.OnceValue(here)

// SpaceError says that the limit on the address space leaves too little for something to begin.
type SpaceError struct {
	What              string // "the program", ...
	Limit, Free, Need int64  // bytes
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("the address-space limit (ulimit -v) of %d MB leaves %d MB beside what is mapped, and %s needs about %d MB: raise it to %d MB or more (a control group bounds memory that is in use)",
		e.Limit>>20, e.Free>>20, e.What, e.Need>>20, (e.Limit-e.Free+e.Need)>>20)
}

// CheckSpace is a *SpaceError where the address space that is left has no room for need bytes and
// for the stacks and heaps of threads: what takes address space, be it a thread's stack or a driver,
// ends the process where it gets none.
func (s System) CheckSpace(what string, need int64, threads int) error {
	if s.AddressSpace >= math.MaxInt64 {
		return nil
	}
	const thread = 64 << 20 // the C library's heap of a thread
	need += int64(threads) * thread
	if free := int64(s.AddressSpace) - s.mapped(); free < need {
		return &SpaceError{what, int64(s.AddressSpace), max(free, 0), need}
	}
	return nil
}
