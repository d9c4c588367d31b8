package engine

import "sync"

// finished makes the images' items of their part of the tensors, on all cores.
func (j *job[T]) finished(images []*prepared, tensors map[string]*Tensor) []Item[T] {
	items := make([]Item[T], len(images))
	parallel(j.m.eng.opt.threads, len(images), func(i int) {
		p, item := images[i], &items[i]
		*item = Item[T]{Input: p.input, Picture: p.picture, Frame: p.frame}
		mine := make(map[string]*Tensor, len(tensors))
		for name, t := range tensors {
			mine[name] = t.Image(i)
		}
		item.Err = guarded(func() (err error) {
			item.Value, err = j.finish(p, mine)
			return err
		})
	})
	return items
}

// parallel calls f for 0 … n−1 on some threads.
func parallel(threads, n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(threads, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
