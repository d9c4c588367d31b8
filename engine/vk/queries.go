//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// pool is a query pool.
type pool struct {
	d *Device
	h Handle
	n int
}

// newPool makes room for n timestamps, or for n counts of invocations.
func (d *Device) newPool(invocations C.int, n int) (pool, error) {
	var h C.cvk_handle
	if err := check("vkCreateQueryPool", Result(C.cvk_query_pool(d.c, invocations, C.uint32_t(n), &h))); err != nil {
		return pool{}, err
	}
	d.count(1)
	return pool{d, Handle(h), n}, nil
}

// results are the first n of the pool. Where one is not there the error is
// NotReady.
func (p pool) results(n int) ([]C.uint64_t, error) {
	raw := make([]C.uint64_t, n+1)
	r := Result(C.cvk_query_results(p.d.c, C.cvk_handle(p.h), 0, C.uint32_t(n), &raw[0]))
	return raw[:n], check("vkGetQueryPoolResults", r)
}

func (p pool) destroy() {
	vulkan.DestroyQueryPool(deviceOf(p.d.handle), *(*vulkan.QueryPool)(unsafe.Pointer(&p.h)), nil)
	p.d.count(-1)
}

// Queries are timestamps around dispatches.
type Queries struct{ pool }

// NewQueries makes room for the timestamps of n dispatches.
func (d *Device) NewQueries(n int) (*Queries, error) {
	p, err := d.newPool(0, 2*n)
	if err != nil {
		return nil, err
	}
	return &Queries{p}, nil
}

// ticks are between two timestamps of so many bits, which begin again at 0: on some
// devices every few seconds.
func ticks(from, to uint64, bits int) uint64 {
	if bits >= 64 {
		return to - from
	}
	return (to - from) & (1<<bits - 1)
}

// Nanoseconds is the time of each dispatch, once they have been executed.
func (q *Queries) Nanoseconds() ([]float64, error) {
	raw, err := q.results(q.n)
	if err != nil {
		return nil, err
	}
	ns := make([]float64, q.n/2)
	for i := range ns {
		ns[i] = float64(ticks(uint64(raw[2*i]), uint64(raw[2*i+1]), q.d.TimestampBits)) * q.d.TimestampNS
	}
	return ns, nil
}

// Destroy frees the queries.
func (q *Queries) Destroy() { q.destroy() }

// Counts are how often the kernels of command buffers were invoked.
type Counts struct{ pool }

// NewCounts makes room for the counts of n command buffers. The device has
// Invocations.
func (d *Device) NewCounts(n int) (*Counts, error) {
	p, err := d.newPool(1, n)
	if err != nil {
		return nil, err
	}
	return &Counts{p}, nil
}

// Sum is what the first n command buffers counted, once they have been executed.
// The error is NotReady where one was not.
func (c *Counts) Sum(n int) (sum int64, err error) {
	raw, err := c.results(n)
	for _, x := range raw {
		sum += int64(x)
	}
	return sum, err
}

// Destroy frees the counts.
func (c *Counts) Destroy() { c.destroy() }
