package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
)

const mb = 1 << 20

// system is a machine of 16 GB with the files given.
func system(files map[string]string) System {
	root := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       16777216 kB\nMemFree: 5 kB\n")}, "proc/self/status": {Data: []byte("Name:\tx\nVmSize:\t  409600 kB\n")}}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return System{root, Unlimited}
}

const (
	v2mount = "25 30 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
	v1mount = "40 30 0:30 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n41 30 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
)

// TestRoom: the tightest limit counts, wherever it is.
func TestRoom(t *testing.T) {
	for name, k := range map[string]struct {
		files map[string]string
		space uint64
		want  int64 // MB
		what  string
	}{
		"nothing but the machine": {nil, Unlimited, 12288, "physical memory of 16384 MB"},
		"address space":           {nil, 1024 * mb, (1024-400)*3/4 - 128, "the address-space limit (ulimit -v) of 1024 MB"},
		"less than is mapped":     {nil, 300 * mb, 0, "ulimit -v"},
		"v2":                      {map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2mount, "sys/fs/cgroup/a/b/memory.max": "536870912\n"}, Unlimited, 384, "control group's limit /sys/fs/cgroup/a/b/memory.max of 512 MB"},
		"v2, high":                {map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2mount, "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.high": "268435456\n"}, Unlimited, 192, "memory.high"},
		"v2, a parent's":          {map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2mount, "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "134217728"}, Unlimited, 96, "/sys/fs/cgroup/a/memory.max"},
		"v2, the mount's own":     {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2mount, "sys/fs/cgroup/memory.max": "134217728"}, Unlimited, 96, "/sys/fs/cgroup/memory.max"},
		"v2, a container":         {map[string]string{"proc/self/cgroup": "0::/docker/x\n", "proc/self/mountinfo": "25 30 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", "sys/fs/cgroup/memory.max": "134217728"}, Unlimited, 96, "/sys/fs/cgroup/memory.max"},
		"v2, above the namespace": {map[string]string{"proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": v2mount, "sys/fs/cgroup/memory.max": "134217728"}, Unlimited, 96, "memory.max"},
		"v1":                      {map[string]string{"proc/self/cgroup": "5:cpu:/c\n4:memory:/m/n\n", "proc/self/mountinfo": v1mount, "sys/fs/cgroup/memory/m/memory.limit_in_bytes": "268435456\n", "sys/fs/cgroup/memory/m/n/memory.limit_in_bytes": "9223372036854771712\n"}, Unlimited, 192, "/sys/fs/cgroup/memory/m/memory.limit_in_bytes"},
		"v1 beside v2":            {map[string]string{"proc/self/cgroup": "4:memory:/m\n0::/u\n", "proc/self/mountinfo": v1mount + v2mount, "sys/fs/cgroup/memory/m/memory.limit_in_bytes": "268435456\n"}, Unlimited, 192, "limit_in_bytes"},
		"files of nonsense":       {map[string]string{"proc/self/cgroup": "x\n\n0::\n", "proc/self/mountinfo": "- - -\na b c d e - cgroup2\n", "sys/fs/cgroup/memory.max": "-5"}, Unlimited, 12288, "physical"},
	} {
		s := system(k.files)
		s.AddressSpace = k.space
		if r := s.Room(); r.Bytes/mb != k.want || !strings.Contains(r.Limit.String(), k.what) || r.Shrunk != strings.Contains(k.what, "ulimit") {
			t.Errorf("%s: %d MB by %s, want %d by %s", name, r.Bytes/mb, r.Limit, k.want, k.what)
		}
	}
	if r := (System{fstest.MapFS{}, Unlimited}).Room(); r.Bytes != math.MaxInt64 {
		t.Errorf("a system that says nothing gives %v", r)
	}
}

func TestCheckSpace(t *testing.T) {
	s := system(nil)
	if err := s.CheckSpace("x", 1<<40, 4); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	s.AddressSpace = 1000 * mb
	if err := s.CheckSpace("x", 300*mb, 4); err != nil {
		t.Errorf("600 MB for 556: %v", err)
	}
	want := "the address-space limit (ulimit -v) of 1000 MB leaves 600 MB beside what is mapped, and x needs about 656 MB: raise it to 1056 MB or more"
	if err := s.CheckSpace("x", 400*mb, 4); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("600 MB for 656: %v", err)
	}
}

// TestHere reads the limits of this very machine.
func TestHere(t *testing.T) {
	if r := Here().Room(); r.Bytes <= 0 || r.Limit.What == "" {
		t.Errorf("%v", r)
	}
}

// TestBudget: takers never have more than the budget together, but for one that is alone; all are
// served.
func TestBudget(t *testing.T) {
	b := &Budget{size: func() (int64, Room) { return 100, Room{Bytes: 250, Limit: Limit{250, "the test"}} }}
	var wg sync.WaitGroup
	var now, alone atomic.Int64
	for i := range 200 {
		need := int64(10 + i%5*40) // 10 to 170
		wg.Go(func() {
			release, err := b.Take(context.Background(), need)
			if err != nil {
				t.Error(err)
				return
			}
			if n := now.Add(need); n > 100 && n != need {
				t.Errorf("%d are taken, by more than one", n)
			} else if n > 100 {
				alone.Add(1)
			}
			time.Sleep(100 * time.Microsecond)
			now.Add(-need)
			release()
		})
	}
	wg.Wait()
	if b.Taken() != 0 || alone.Load() == 0 {
		t.Errorf("%d are left, %d were alone", b.Taken(), alone.Load())
	}
	_, err := b.Take(context.Background(), 251)
	if e := new(TooMuchError); !errors.As(err, &e) || e.Need != 251 {
		t.Errorf("more than there may be: %v", err)
	}
}

// TestBudgetCancelled: who gives up leaves nothing behind, and lets the next one in.
func TestBudgetCancelled(t *testing.T) {
	b := NewBudget(100)
	release, err := b.Take(context.Background(), 60)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	gaveUp, served := make(chan error), make(chan func())
	go func() {
		_, err := b.Take(ctx, 90)
		gaveUp <- err
	}()
	for waiting := 0; waiting == 0; {
		b.mu.Lock()
		waiting = len(b.waiting)
		b.mu.Unlock()
	}
	go func() {
		release, _ := b.Take(context.Background(), 40)
		served <- release
	}()
	cause := errors.New("enough")
	cancel(cause)
	if err := <-gaveUp; err != cause {
		t.Errorf("got %v", err)
	}
	second := <-served // behind the one that gave up
	release()
	second()
	if b.Taken() != 0 {
		t.Errorf("%d are left", b.Taken())
	}
}

// TestLease: the picture's part of a decode's memory stays taken until the lease is released.
func TestLease(t *testing.T) {
	before := Decoding.Taken()
	ctx, lease := WithLease(context.Background())
	done, err := TakeDecoding(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	steps := []int64{Decoding.Taken() - before}
	done(300)
	steps = append(steps, Decoding.Taken()-before)
	lease.Release()
	lease.Release()
	steps = append(steps, Decoding.Taken()-before)
	done, err = TakeDecoding(context.Background(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	done(300)
	if steps = append(steps, Decoding.Taken()-before); fmt.Sprint(steps) != "[1000 300 0 0]" {
		t.Errorf("taken: %v", steps)
	}
}

// TestBudgetRefusal: what others have taken makes no difference to what is refused, but
// where the limit counts that already.
func TestBudgetRefusal(t *testing.T) {
	for _, shrunk := range []bool{false, true} {
		b := &Budget{}
		b.size = func() (int64, Room) {
			room := Room{250, Limit{250, "the test"}, shrunk}
			if shrunk {
				room.Bytes -= b.taken
			}
			return 100, room
		}
		if _, err := b.Take(t.Context(), 60); err != nil {
			t.Fatal(err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		for need, refused := range map[int64]bool{250: false, 251: true} {
			_, err := b.Take(ended, need) // which would wait
			if got := errors.As(err, new(*TooMuchError)); got != refused {
				t.Errorf("shrunk %v: %d of 250 while 60 are taken: %v", shrunk, need, err)
			}
		}
	}
}

// TestLeases: goroutines that decode one picture after another under a lease each don't
// wait for one another for ever.
func TestLeases(t *testing.T) {
	LimitDecoding(100)
	defer LimitDecoding(0)
	var first, all sync.WaitGroup
	first.Add(2)
	for range 2 {
		all.Go(func() {
			ctx, lease := WithLease(t.Context())
			defer lease.Release()
			for k := range 3 {
				done, err := TakeDecoding(ctx, 50)
				if err != nil {
					t.Error(err)
					return
				}
				done(30)
				if k == 0 {
					first.Done()
					first.Wait() // both have a picture: 60 of 100
				}
			}
		})
	}
	all.Wait()
	if n := Decoding.Taken(); n != 0 {
		t.Errorf("%d are left", n)
	}
}
