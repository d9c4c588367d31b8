package run

import (
	"context"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// chunkBytes is the size of one device buffer of weights. A larger weight gets
// a buffer of its own, a smaller model a smaller one.
const chunkBytes = 64 << 20

// place is a part of a device buffer.
type place struct {
	buffer *vk.Buffer
	offset int64
	size   int64
}

// WeightStore holds a model's packed weights on the device. Plans of different
// batch or size that need the same weight in the same layout share it.
type WeightStore struct {
	dev    *vk.Device
	params Params
	folded *foldCache // nil: weights are always evaluated
	align  int64

	mu     sync.Mutex
	places map[string]place
	chunks []*vk.Buffer
	used   int64 // of the last chunk
	stage  *vk.Buffer
	hidden bool // tests make the host not see the weights
}

// NewWeightStore is a store that evaluates all weights anew.
func NewWeightStore(d *Device, params Params) *WeightStore {
	dev := d.VK
	return &WeightStore{dev: dev, params: params, align: max(dev.StorageAlign, dev.TexelAlign, 64), places: map[string]place{}}
}

// Missing is the size of a plan's weights that are not there yet.
func (s *WeightStore) Missing(p *plan.Plan) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	need := int64(0)
	seen := map[string]bool{}
	for _, b := range p.Buffers {
		if b.Role != plan.Weight {
			continue
		}
		key := expression(p.Value(b.Value)) + b.Layout.String()
		if _, ok := s.places[key]; !ok && !seen[key] {
			seen[key] = true
			need += s.aligned(b.Layout.Bytes())
		}
	}
	return need
}

// Load evaluates, packs and uploads the weights of a plan that are not there
// yet, and returns the place of each weight buffer by its index.
func (s *WeightStore) Load(ctx context.Context, p *plan.Plan) (map[int]place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The plan's buffers by weight, and what is missing, in their order.
	keys, jobs, need := map[int]string{}, []*packing{}, int64(0)
	missing := map[string]bool{}
	for i, b := range p.Buffers {
		if b.Role != plan.Weight {
			continue
		}
		v := p.Value(b.Value)
		key := expression(v) + b.Layout.String()
		if _, ok := s.places[key]; !ok && !missing[key] {
			missing[key] = true
			jobs = append(jobs, &packing{key: key, value: v, layout: b.Layout, done: make(chan struct{})})
			need += s.aligned(b.Layout.Bytes())
		}
		keys[i] = key
	}
	stop := s.packAll(ctx, jobs)
	defer stop()
	for _, j := range jobs {
		select {
		case <-j.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if j.err != nil {
			return nil, j.err
		}
		at, err := s.upload(j.data, min(need, chunkBytes))
		if err != nil {
			return nil, err
		}
		s.places[j.key], j.data = at, nil
		need -= s.aligned(at.size)
		j.free()
	}
	found := map[int]place{}
	for i, key := range keys {
		found[i] = s.places[key]
	}
	return found, nil
}

func (s *WeightStore) aligned(size int64) int64 { return (size + s.align - 1) / s.align * s.align }

// upload copies packed data to the device, into a new buffer of at least chunk
// bytes where the last one is full.
func (s *WeightStore) upload(data []byte, chunk int64) (place, error) {
	size := int64(len(data))
	if len(s.chunks) == 0 || s.used+size > s.chunks[len(s.chunks)-1].Size() {
		b, err := s.dev.NewBuffer(max(chunk, size), vk.Local)
		if err != nil {
			return place{}, err
		}
		s.chunks, s.used = append(s.chunks, b), 0
	}
	at := place{s.chunks[len(s.chunks)-1], s.used, size}
	s.used += s.aligned(size)
	if mem := at.buffer.Bytes(); mem != nil && !s.hidden {
		copy(mem[at.offset:], data)
		return at, nil
	}
	return at, s.stageCopy(at, data)
}

const stageBytes = 16 << 20

// stageCopy writes through a buffer that the host sees.
func (s *WeightStore) stageCopy(at place, data []byte) (err error) {
	if s.stage == nil {
		if s.stage, err = s.dev.NewBuffer(min(stageBytes, at.buffer.Size()), vk.Upload); err != nil {
			return err
		}
	}
	for from, n := int64(0), 0; from < int64(len(data)); from += int64(n) {
		n = copy(s.stage.Bytes(), data[from:])
		if err := transfer(s.dev, []vk.Copy{{From: s.stage, To: at.buffer, ToAt: at.offset + from, Size: int64(n)}}); err != nil {
			return err
		}
	}
	return nil
}

// Release frees the staging memory once a model's weights are loaded.
func (s *WeightStore) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseStage()
}

func (s *WeightStore) releaseStage() {
	if s.stage != nil {
		s.stage.Destroy()
		s.stage = nil
	}
}

// Close frees the weights.
func (s *WeightStore) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseStage()
	for _, b := range s.chunks {
		b.Destroy()
	}
	s.chunks, s.places = nil, map[string]place{}
}
