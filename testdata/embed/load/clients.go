package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"example.com/embed/service"
	"github.com/crate-vk/crate-vk/engine"
)

// served are the figures of the service.
type served struct {
	time       time.Duration
	latencies  []time.Duration // of the requests that were answered
	cancelled  int
	busy       int // 503
	wrong      []string
	late       int // of tries, ended by their deadline
	tries      int
	overrun    time.Duration // the worst
	call       time.Duration // the worst of calls without HTTP
	timer      time.Duration // the worst of timers that nothing is behind: the machine's part of it
	start, end usage

	mu sync.Mutex
}

func (s *served) String() string {
	slices.Sort(s.latencies)
	at := func(share float64) time.Duration {
		if len(s.latencies) == 0 {
			return 0
		}
		return s.latencies[int(share*float64(len(s.latencies)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("requests\t%d answered, %.1f a second; %d cancelled, %d times 503\n", len(s.latencies), float64(len(s.latencies))/s.time.Seconds(), s.cancelled, s.busy) +
		fmt.Sprintf("latency\tp50 %v, p99 %v\n", at(0.5), at(0.99)) +
		fmt.Sprintf("deadline of %v\t%d of %d requests ended by it, the worst %v behind it; without HTTP %v, a bare timer %v\n",
			deadline, s.late, s.tries, s.overrun.Round(100*time.Microsecond), s.call.Round(100*time.Microsecond), s.timer.Round(100*time.Microsecond)) +
		fmt.Sprintf("memory\t%s\ngoroutines\t%s\n", memory(s.start, s.end), goroutines(s.start, s.end))
}

// deadline is that of the requests whose lateness is measured.
const deadline = 100 * time.Millisecond

// serve runs the service in this process, and clients against it.
func serve(ctx context.Context, model *engine.Model, o options) (*served, error) {
	handler, err := service.New(ctx, model, service.Options{Queue: o.queue, Timeout: time.Hour})
	if err != nil {
		return nil, err
	}
	defer handler.Close()
	batcher, err := engine.NewBatcher(model, engine.Attention(engine.AttentionOptions{}), engine.BatcherOptions{})
	if err != nil {
		return nil, err
	}
	defer batcher.Close()
	(&served{}).load(ctx, handler, batcher, o.clients, time.Second) // what is allocated once is
	s := &served{time: o.time, start: settled()}
	s.load(ctx, handler, batcher, o.clients, o.time)
	s.end = settled()
	return s, context.Cause(ctx)
}

// load runs the clients, and beside them those that have a deadline.
func (s *served) load(ctx context.Context, handler http.Handler, b *engine.Batcher[*engine.Segmentation], clients int, d time.Duration) {
	server := httptest.NewServer(handler)
	defer server.Close()
	// Each client has connections of its own, as clients have.
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	for k := range clients {
		wg.Go(func() { s.client(ctx, server.URL, k) })
	}
	wg.Go(func() { s.hurried(ctx, server.URL) })
	wg.Go(func() {
		s.worst(ctx, &s.call, func() {
			calling, cancel := context.WithTimeout(ctx, deadline)
			defer cancel()
			if _, err := b.Do(calling, drawn(1)); err != nil && calling.Err() == nil {
				s.fail("a call: %v", err)
			}
		})
	})
	wg.Go(func() { s.worst(ctx, &s.timer, func() { time.Sleep(deadline) }) })
	wg.Wait()
}

// backOff is shorter than what Retry-After asks for, so that the load stays.
const backOff = 50 * time.Millisecond

// client asks again and again, and loses patience with every fourth request.
func (s *served) client(ctx context.Context, url string, k int) {
	c, done := newClient()
	defer done()
	for i := k; ctx.Err() == nil; i++ {
		path := []string{"/classes", "/mask"}[i%2]
		asking, cancel := context.WithCancel(ctx)
		if rand.IntN(4) == 0 {
			timer := time.AfterFunc(rand.N(100*time.Millisecond), cancel)
			defer timer.Stop()
		}
		begin := time.Now()
		status, err := ask(asking, c, url+path, pictures[i%len(pictures)])
		took := time.Since(begin)
		gone := asking.Err() != nil
		cancel()
		s.mu.Lock()
		switch {
		case err == nil && status == http.StatusOK:
			s.latencies = append(s.latencies, took)
		case gone:
			s.cancelled++
		case status == http.StatusServiceUnavailable:
			s.busy++
		default:
			s.wrong = append(s.wrong, fmt.Sprintf("%s: status %d, %v", path, status, err))
		}
		s.mu.Unlock()
		if status == http.StatusServiceUnavailable {
			time.Sleep(backOff)
		}
	}
}

// hurried asks with a deadline, which the service keeps.
func (s *served) hurried(ctx context.Context, url string) {
	c, done := newClient()
	defer done()
	for i := 0; ctx.Err() == nil; i++ {
		begin := time.Now()
		status, err := ask(ctx, c, fmt.Sprintf("%s/mask?timeout=%v", url, deadline), pictures[i%len(pictures)])
		over := time.Since(begin) - deadline
		if ctx.Err() != nil {
			return // the end of the run
		}
		s.mu.Lock()
		s.tries++
		s.overrun = max(s.overrun, over)
		switch {
		case err == nil && status == http.StatusGatewayTimeout:
			s.late++
		case err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable:
			s.wrong = append(s.wrong, fmt.Sprintf("with a deadline: status %d, %v", status, err))
		}
		s.mu.Unlock()
		if status == http.StatusServiceUnavailable {
			time.Sleep(backOff)
		}
	}
}

// worst keeps how far behind the deadline f comes back.
func (s *served) worst(ctx context.Context, over *time.Duration, f func()) {
	for ctx.Err() == nil {
		begin := time.Now()
		f()
		took := time.Since(begin)
		s.mu.Lock()
		*over = max(*over, took-deadline)
		s.mu.Unlock()
	}
}

func (s *served) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func newClient() (c *http.Client, done func()) {
	t := &http.Transport{}
	return &http.Client{Transport: t}, t.CloseIdleConnections
}

// ask posts a picture and reads the answer.
func ask(ctx context.Context, c *http.Client, url string, picture []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(picture))
	if err != nil {
		return 0, err
	}
	answer, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && n == 0 {
		err = errors.New("an empty answer")
	}
	return answer.StatusCode, err
}

// drawn is a picture that differs from others.
func drawn(k int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, 160, 120))
	shape := color.NRGBA{uint8(k * 40), uint8(k * 7), 200, 255}
	for y := range 120 {
		for x := range 160 {
			dx, dy := x-40-k%80, y-60
			if img.Set(x, y, color.NRGBA{uint8(x), uint8(y), uint8(k), 255}); dx*dx+dy*dy < 900 {
				img.SetNRGBA(x, y, shape)
			}
		}
	}
	return img
}

// pictures are some as files.
var pictures = func() (files [][]byte) {
	for k := range 7 {
		var b bytes.Buffer
		if err := png.Encode(&b, drawn(k)); err != nil {
			panic(err)
		}
		files = append(files, b.Bytes())
	}
	return files
}()

// generated are n pictures, drawn as they are needed.
func generated(n int) iter.Seq[engine.Input] {
	return func(yield func(engine.Input) bool) {
		for k := range n {
			if !yield(engine.Input{Name: fmt.Sprint(k), Image: drawn(k)}) {
				return
			}
		}
	}
}
