// Load leans on the service and on a stream, and prints what it sees:
//
//	load -device llvmpipe -for 30s -clients 16 -images 1000
//
// It fails where a request with a deadline comes back too late behind it, beyond what
// a bare timer does on the same machine, where a request gives what it should not, or
// where goroutines are left.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/embed/setup"
	"github.com/crate-vk/crate-vk/engine"
)

func main() {
	flags := setup.New()
	var o options
	flag.DurationVar(&o.time, "for", 20*time.Second, "how long the clients ask")
	flag.IntVar(&o.clients, "clients", 16, "how many ask at the same time")
	flag.IntVar(&o.queue, "queue", 0, "calls that a batcher takes at once; 0: its default")
	flag.DurationVar(&o.late, "late", 150*time.Millisecond, "how far behind its deadline a request may come back")
	flag.IntVar(&o.images, "images", 1000, "pictures to embed")
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flags, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type options struct {
	time, late             time.Duration
	clients, queue, images int
}

func run(ctx context.Context, flags *setup.Flags, o options) error {
	eng, model, err := flags.Open(ctx)
	if err != nil {
		return err
	}
	defer eng.Close()
	fmt.Println(eng.Device())
	served, err := serve(ctx, model, o)
	if err != nil {
		return err
	}
	embedded, err := embed(ctx, model, o.images)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%v%v", served, embedded)
	if err := table.Flush(); err != nil {
		return err
	}
	return verdict(served, embedded, o.late)
}

// verdict is what was not kept.
func verdict(s *served, e *embedded, late time.Duration) error {
	var bad []string
	if s.overrun-s.timer >= late {
		bad = append(bad, fmt.Sprintf("a request came back %v behind its deadline", s.overrun))
	}
	if len(s.wrong) > 0 {
		bad = append(bad, fmt.Sprintf("%d requests failed, one with %s", len(s.wrong), s.wrong[0]))
	}
	if s.end.goroutines > s.start.goroutines || e.end.goroutines > e.start.goroutines {
		bad = append(bad, "goroutines are left")
	}
	if bad == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(bad, "; "))
}

// usage is what the process has.
type usage struct {
	memory     int64 // resident, in bytes; 0 where the system does not tell
	goroutines int
}

// settled is the usage when what is ending has ended: when goroutines have not
// become fewer for half a second.
func settled() (u usage) {
	u.goroutines = runtime.NumGoroutine()
	for last := time.Now(); time.Since(last) < 500*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if n := runtime.NumGoroutine(); n < u.goroutines {
			u.goroutines, last = n, time.Now()
		}
	}
	debug.FreeOSMemory() // what is garbage is no leak
	u.memory = resident()
	return u
}

// resident is the memory of the process that is in use, as Linux tells it.
func resident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

func memory(a, b usage) string {
	return fmt.Sprintf("%d → %d MB", a.memory>>20, b.memory>>20)
}

func goroutines(a, b usage) string { return fmt.Sprintf("%d → %d", a.goroutines, b.goroutines) }

// embedded are the figures of the stream.
type embedded struct {
	images     int
	took       time.Duration
	start, end usage
}

func (e *embedded) String() string {
	return fmt.Sprintf("embeddings\t%d images, %.1f images/s\nmemory\t%s\ngoroutines\t%s\n",
		e.images, float64(e.images)/e.took.Seconds(), memory(e.start, e.end), goroutines(e.start, e.end))
}

// embed streams generated pictures through the model.
func embed(ctx context.Context, model *engine.Model, images int) (*embedded, error) {
	read := engine.Embed(engine.EmbedOptions{})
	if err := model.Prepare(ctx, engine.PrepareOptions{Batches: []int{model.BatchSize(0)}}, read); err != nil {
		return nil, err
	}
	stream := func(n int) error {
		for item, err := range read.Stream(ctx, model, generated(n)) {
			if err != nil {
				return err
			}
			if item.Err != nil {
				return item.Err
			}
		}
		return nil
	}
	if err := stream(model.BatchSize(0)); err != nil { // what is allocated once is
		return nil, err
	}
	e := &embedded{images: images, start: settled()}
	begin := time.Now()
	if err := stream(images); err != nil {
		return nil, err
	}
	e.took = time.Since(begin)
	e.end = settled()
	return e, nil
}
