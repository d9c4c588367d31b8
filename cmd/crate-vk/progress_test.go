package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgressRate: images that come in batches, and those that were there before,
// don't make the rate wrong.
func TestProgressRate(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	p := newProgress(&out, 100)
	p.now = func() time.Time { return now }
	p.start, p.last = now, now
	for range 40 { // at once: an earlier run made them
		p.skip()
	}
	now = now.Add(lineEvery)
	for range 20 { // a batch of 20 in 10 s: 2 a second
		p.add()
	}
	if got, want := out.String(), "crate-vk: 41 of 100 images, 0.1 images/s"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	if got, want := p.speed(now), "2 images/s, 20s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	fresh := newProgress(&out, 100)
	fresh.now = func() time.Time { return fresh.start.Add(time.Millisecond) }
	fresh.add()
	if got := fresh.speed(fresh.now()); got != "" {
		t.Errorf("after a millisecond it says %q", got)
	}
}
