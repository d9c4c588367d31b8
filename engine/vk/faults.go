//go:build cgo

package vk

/*
#include "cvk.h"
#include <stdlib.h>
*/
import "C"

import "unsafe"

// Faults makes calls that return a VkResult fail. Its memory is C's, so that both
// sides can count.
type Faults struct{ c *C.cvk_faults }

// NewFaults counts calls; Free releases it.
func NewFaults() *Faults {
	return &Faults{(*C.cvk_faults)(C.calloc(1, C.sizeof_cvk_faults))}
}

// Plan makes calls fail from now on, in place of what was planned before.
func (f *Faults) Plan(what Fault) {
	f.locked(func(c *C.cvk_faults) {
		c.calls, c.failed, c.result = 0, 0, C.int32_t(what.Result)
		c.from = C.int64_t(what.After) + 1
		c.to = c.from + C.int64_t(what.Times)
		clear(c.only[:])
		for i := range min(len(what.Call), len(c.only)-1) {
			c.only[i] = C.char(what.Call[i])
		}
	})
}

// locked shows what C counts, while it doesn't.
func (f *Faults) locked(look func(c *C.cvk_faults)) {
	C.cvk_faults_lock(f.c)
	defer C.cvk_faults_unlock(f.c)
	look(f.c)
}

// Set makes the call after n further ones fail with r, once; n = 0 is the next
// call. A negative n makes none fail.
func (f *Faults) Set(n int, r Result) {
	if n < 0 {
		f.Plan(Fault{})
		return
	}
	f.Plan(Fault{After: n, Times: 1, Result: r})
}

// Fired reports that a call has failed since Plan.
func (f *Faults) Fired() (fired bool) {
	f.locked(func(c *C.cvk_faults) { fired = c.failed > 0 })
	return fired
}

// Calls is the number of calls since Plan, of those that it counts.
func (f *Faults) Calls() (n int) {
	f.locked(func(c *C.cvk_faults) { n = int(c.calls) })
	return n
}

// Seen is how often each function was called since NewFaults.
func (f *Faults) Seen() map[string]int {
	seen := map[string]int{}
	f.locked(func(c *C.cvk_faults) {
		for i := range c.seen {
			if s := &c.seen[i]; s.calls > 0 {
				seen[C.GoString(&s.name[0])] = int(s.calls)
			}
		}
	})
	return seen
}

// Free releases the counter; nothing may use it any more.
func (f *Faults) Free() { C.free(unsafe.Pointer(f.c)) }

func (f *Faults) pointer() *C.cvk_faults {
	if f == nil {
		return nil
	}
	return f.c
}

// next is what the coming call of a function must return instead of being made.
func (f *Faults) next(call string) Result {
	if f == nil {
		return Success
	}
	name := C.CString(call)
	defer C.free(unsafe.Pointer(name))
	return Result(C.cvk_fault(f.c, name))
}
