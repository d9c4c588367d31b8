package run

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Pipelines compiles each kernel with its constants once a device.
type Pipelines struct {
	dev   *vk.Device
	cache *vk.Cache
	code  func(name string) ([]byte, error)

	mu    sync.Mutex
	ready map[string]*compiling
}

// compiling is a pipeline that is there, or that some goroutine is making.
type compiling struct {
	once sync.Once
	pipe *vk.Pipeline
	err  error
}

func newPipelines(dev *vk.Device, cache *vk.Cache, code func(string) ([]byte, error)) *Pipelines {
	return &Pipelines{dev: dev, cache: cache, code: code, ready: map[string]*compiling{}}
}

// all returns the pipeline of each dispatch, compiling what is missing on all
// cores.
func (s *Pipelines) all(list []plan.Dispatch) ([]*vk.Pipeline, error) {
	pipes := make([]*vk.Pipeline, len(list))
	errs := make([]error, len(list))
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		wg.Go(func() {
			for i := range work {
				pipes[i], errs[i] = s.get(&list[i])
			}
		})
	}
	for i := range list {
		work <- i
	}
	close(work)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", list[i].Kernel.Name, err)
		}
	}
	return pipes, nil
}

func (s *Pipelines) get(d *plan.Dispatch) (*vk.Pipeline, error) {
	key := d.Pipeline()
	s.mu.Lock()
	c := s.ready[key]
	if c == nil {
		c = &compiling{}
		s.ready[key] = c
	}
	s.mu.Unlock()
	c.once.Do(func() {
		if c.pipe, c.err = s.compile(d); c.err == nil {
			return
		}
		// Whoever comes next tries anew: a driver may have had no memory for a moment.
		s.mu.Lock()
		delete(s.ready, key)
		s.mu.Unlock()
	})
	return c.pipe, c.err
}

func (s *Pipelines) compile(d *plan.Dispatch) (*vk.Pipeline, error) {
	k := d.Kernel.Kernel
	code, err := s.code(d.Kernel.Name)
	if err != nil {
		return nil, err
	}
	info := vk.PipelineInfo{Code: code, PushBytes: 4 * len(d.Push), Spec: d.Spec}
	for _, b := range k.Bindings {
		kind := vk.Storage
		if d.Kernel.Has("TEXEL") && !b.Buffer {
			kind = vk.Texel
		}
		info.Slots = append(info.Slots, kind)
	}
	c, err := d.Constants()
	if err != nil {
		return nil, err
	}
	info.Subgroup = requiredSubgroup(s.dev.Info, k, c)
	return s.dev.NewPipeline(info, s.cache)
}

func (s *Pipelines) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.ready {
		if c.pipe != nil {
			c.pipe.Destroy()
		}
	}
	s.ready = map[string]*compiling{}
}
