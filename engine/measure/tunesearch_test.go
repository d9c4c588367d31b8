package measure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeDevice is a made-up device: what making a shape ready takes, and one run of it,
// on a clock of its own.
type fakeDevice struct {
	mu       sync.Mutex
	clock    time.Time
	compile  time.Duration
	runs     map[string][]time.Duration // of a shape, used in turn; the second of two lists stands for a second making
	bad      map[string]error
	prepared []string
	open     int // timers that were not closed
}

func (d *fakeDevice) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock
}

func (d *fakeDevice) pass(t time.Duration) {
	d.mu.Lock()
	d.clock = d.clock.Add(t)
	d.mu.Unlock()
}

func (d *fakeDevice) prepare(_ context.Context, _ int, shape string) (timer, error) {
	d.pass(d.compile)
	d.mu.Lock()
	defer d.mu.Unlock()
	times := d.runs[shape]
	if again := d.runs[shape+" again"]; again != nil && slices.Contains(d.prepared, shape) {
		times = again
	}
	d.prepared = append(d.prepared, shape)
	if err := d.bad[shape]; err != nil {
		return nil, err
	}
	d.open++
	return &fakeTimer{d: d, times: times}, nil
}

type fakeTimer struct {
	d     *fakeDevice
	times []time.Duration
	n     int
}

func (f *fakeTimer) Time() (time.Duration, error) {
	took := f.times[f.n%len(f.times)]
	f.n++
	f.d.pass(took)
	return took, nil
}

func (f *fakeTimer) Close() { f.d.mu.Lock(); f.d.open--; f.d.mu.Unlock() }

var errGone = errors.New("gone")

func (d *fakeDevice) search() *search {
	return &search{workers: 1, prepare: d.prepare, fatal: func(err error) bool { return errors.Is(err, errGone) }, now: d.now}
}

// ms are times in milliseconds.
func ms(list ...float64) (all []time.Duration) {
	for _, x := range list {
		all = append(all, time.Duration(x*float64(time.Millisecond)))
	}
	return all
}

func rowOf(names ...string) *TuneRow {
	row := &TuneRow{Kind: "k"}
	for _, n := range names {
		row.Shapes = append(row.Shapes, TuneShape{Name: n})
	}
	return row
}

// TestSearch: what is chosen, how often each shape is run, and what is said of those
// that were not.
func TestSearch(t *testing.T) {
	for _, c := range []struct {
		what    string
		shapes  []string
		runs    map[string][]time.Duration
		compile time.Duration
		bad     map[string]error
		budget  time.Duration
		chosen  string
		want    []string // name, runs, error
	}{
		{what: "the fastest is chosen, the slow ones are dropped at the cuts", shapes: []string{"static", "fast", "third", "fifth", "tenth", "even"},
			runs:   map[string][]time.Duration{"static": ms(10), "fast": ms(9), "third": ms(12), "fifth": ms(10.5), "tenth": ms(9.8), "even": ms(9.3)},
			budget: time.Minute, chosen: "fast", want: []string{"static 25", "fast 25", "third 3", "fifth 6", "tenth 12", "even 25"}},
		{what: "a shape that was disturbed is not dropped", shapes: []string{"static", "fast"}, runs: map[string][]time.Duration{"static": ms(10), "fast": ms(9, 14, 15, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9)},
			budget: time.Minute, chosen: "fast", want: []string{"static 25", "fast 25"}},
		{what: "1 % is no gain", shapes: []string{"static", "fast"}, runs: map[string][]time.Duration{"static": ms(10), "fast": ms(9.9)},
			budget: time.Minute, chosen: "static", want: []string{"static 25", "fast 25"}},
		{what: "faster in two rounds of three is no gain", shapes: []string{"static", "fast"}, runs: map[string][]time.Duration{"static": ms(10), "fast": ms(9, 9, 10.1)},
			budget: time.Minute, chosen: "static", want: []string{"static 25", "fast 25"}},
		{what: "luck is not confirmed", shapes: []string{"static", "lucky"}, runs: map[string][]time.Duration{"static": ms(10), "lucky": ms(8), "lucky again": ms(10)},
			budget: time.Minute, chosen: "static", want: []string{"static 25", "lucky 25 not confirmed: 1.25 times as fast, and not when it was measured again"}},
		{what: "the static one alone is not timed for long", shapes: []string{"static", "slow"}, runs: map[string][]time.Duration{"static": ms(10), "slow": ms(20)},
			budget: time.Minute, chosen: "static", want: []string{"static 3", "slow 3"}},
		{what: "compiling ends in time, and each shape has its rounds", shapes: []string{"static", "other", "third", "fourth"}, runs: map[string][]time.Duration{"static": ms(10), "other": ms(10), "third": ms(10), "fourth": ms(10)},
			compile: 3 * time.Second, budget: 12 * time.Second, chosen: "static", want: []string{"static 25", "other 25", "third 25", "fourth 0 not measured: no time left"}},
		{what: "two shapes and three rounds there are always", shapes: []string{"static", "other", "third"}, runs: map[string][]time.Duration{"static": ms(10), "other": ms(10), "third": ms(10)},
			compile: time.Second, budget: time.Millisecond, chosen: "static", want: []string{"static 3", "other 3", "third 0 not measured: no time left"}},
		{what: "a wrong shape is out", shapes: []string{"static", "wrong", "fast"}, runs: map[string][]time.Duration{"static": ms(10), "fast": ms(9)}, bad: map[string]error{"wrong": errors.New("wrong")},
			budget: time.Minute, chosen: "fast", want: []string{"static 25", "wrong 0 wrong", "fast 25"}},
		{what: "without the static one nothing is chosen", shapes: []string{"static", "fast"}, runs: map[string][]time.Duration{"fast": ms(9)}, bad: map[string]error{"static": errors.New("wrong")},
			budget: time.Minute, chosen: "", want: []string{"static 0 wrong", "fast 1"}},
	} {
		d := &fakeDevice{compile: c.compile, runs: c.runs, bad: c.bad}
		row := rowOf(c.shapes...)
		if err := d.search().run(context.Background(), row, c.budget); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range row.Shapes {
			line := fmt.Sprintf("%s %d", s.Name, s.Runs)
			if s.Err != nil {
				line += " " + s.Err.Error()
			}
			got = append(got, line)
		}
		if row.Chosen != c.chosen || !slices.Equal(got, c.want) {
			t.Errorf("%s: chose %q of %q, want %q of %q", c.what, row.Chosen, got, c.chosen, c.want)
		}
		if d.open != 0 {
			t.Errorf("%s: %d shapes are left open", c.what, d.open)
		}
	}
}

// TestSearchEnds: a lost device and a cancelled context end the search with their
// reason, and nothing is left open.
func TestSearchEnds(t *testing.T) {
	d := &fakeDevice{runs: map[string][]time.Duration{"static": ms(10), "third": ms(10)}, bad: map[string]error{"other": errGone}}
	if err := d.search().run(context.Background(), rowOf("static", "other", "third"), time.Minute); !errors.Is(err, errGone) || d.open != 0 {
		t.Errorf("a lost device gives %v and leaves %d shapes open", err, d.open)
	}
	d = &fakeDevice{runs: map[string][]time.Duration{"static": ms(10), "other": ms(10)}}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errGone)
	if err := d.search().run(ctx, rowOf("static", "other"), time.Minute); !errors.Is(err, errGone) || d.open != 0 {
		t.Errorf("a cancelled search gives %v and leaves %d shapes open", err, d.open)
	}
}

// TestSearchPhases: shapes are made ready at the same time, and none is while one is
// being timed.
func TestSearchPhases(t *testing.T) {
	var mu sync.Mutex
	making, most, disturbed := 0, 0, 0
	met, meet := make(chan struct{}), sync.Once{}
	d := &fakeDevice{runs: map[string][]time.Duration{"a": ms(10), "b": ms(9), "c": ms(8)}}
	s := d.search()
	s.workers = 2
	s.prepare = func(ctx context.Context, worker int, shape string) (timer, error) {
		mu.Lock()
		making++
		if most = max(most, making); most == 2 {
			meet.Do(func() { close(met) })
		}
		mu.Unlock()
		select { // two workers meet here; one alone waits in vain
		case <-met:
		case <-time.After(10 * time.Second):
			meet.Do(func() { close(met) })
		}
		r, err := d.prepare(ctx, worker, shape)
		mu.Lock()
		making--
		mu.Unlock()
		return timing{r, func() {
			mu.Lock()
			disturbed += making
			mu.Unlock()
		}}, err
	}
	row := rowOf("a", "b", "c")
	if err := s.run(context.Background(), row, time.Minute); err != nil {
		t.Fatal(err)
	}
	if most != 2 || disturbed != 0 || row.Chosen != "c" {
		t.Errorf("%d shapes were made ready at once, %d while one was timed, %s was chosen", most, disturbed, row.Chosen)
	}
}

type timing struct {
	timer
	before func()
}

func (t timing) Time() (time.Duration, error) {
	t.before()
	return t.timer.Time()
}

// TestExperience: what did well in one kind of work is tried first in the next, what
// is not known next, and what is hopeless not at all.
func TestExperience(t *testing.T) {
	e := experience{}
	first := rowOf("static", "slow", "good", "middling")
	first.Kind = "first"
	for i, x := range []float64{10, 14, 9, 11} {
		first.Shapes[i].Time, first.Shapes[i].Runs = Spread{Median: ms(20)[0], P5: ms(x)[0]}, 3
	}
	e.learn(first)
	second := rowOf("static", "slow", "new", "middling", "good")
	e.arrange(second)
	var got []string
	for _, s := range second.Shapes {
		name := s.Name
		if s.Err != nil {
			name += ": " + s.Err.Error()
		}
		got = append(got, name)
	}
	if want := "static, good, new, middling, slow: not tried: 1.6 times as slow as the fastest shape of first"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", strings.Join(got, ", "), want)
	}
	d := &fakeDevice{runs: map[string][]time.Duration{"static": ms(10), "good": ms(10), "new": ms(10), "middling": ms(10)}}
	if err := d.search().run(context.Background(), second, time.Minute); err != nil || slices.Contains(d.prepared, "slow") {
		t.Errorf("%v; a hopeless shape was tried: %q", err, d.prepared)
	}
}

// TestPart: a kind's part is by its weight, of what is left.
func TestPart(t *testing.T) {
	for _, c := range []struct {
		weights    []float64
		left, want time.Duration
	}{{[]float64{2, 1, 1}, 8 * time.Second, 4 * time.Second}, {[]float64{1, 1, 0}, 8 * time.Second, 4 * time.Second}, {[]float64{1}, 3 * time.Second, 3 * time.Second}, {[]float64{0}, 3 * time.Second, 0}} {
		if got := part(c.weights, c.left); got != c.want {
			t.Errorf("of %v the first of %v has %v, want %v", c.left, c.weights, got, c.want)
		}
	}
}

// TestChosen: what stays static is not stored, so that a device whose static choices all
// won is not said to be tuned.
func TestChosen(t *testing.T) {
	static, other := TuneShape{Name: "3x6 texel"}, TuneShape{Name: "5x4 texel"}
	got := chosen([]TuneRow{
		{Kind: "attend_lanes 197×6×64 tied", Shapes: []TuneShape{static, other}, Chosen: static.Name},
		{Kind: "attend_lanes 785×6×64 tied", Shapes: []TuneShape{static, other}, Chosen: other.Name},
	})
	want := map[string]string{"attend_lanes 197×6×64 tied": "", "attend_lanes 785×6×64 tied": other.Name}
	if !maps.Equal(got, want) {
		t.Errorf("stored is %v, want %v", got, want)
	}
}
