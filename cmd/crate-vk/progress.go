package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a run is: a bar on a terminal, a line every ten
// seconds elsewhere.
type progress struct {
	w     io.Writer
	bar   *progressbar.ProgressBar
	total int
	done  int
	start time.Time
	last  time.Time
}

// lineEvery is the time between two lines where no one looks at a terminal.
const lineEvery = 10 * time.Second

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total, start: time.Now(), last: time.Now()}
	if terminal(w) && total > 0 {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("images"), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("images"), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return p
}

// add counts one finished image.
func (p *progress) add() {
	p.done++
	if p.bar != nil {
		p.bar.Add(1)
		return
	}
	if now := time.Now(); now.Sub(p.last) >= lineEvery {
		p.last = now
		rate := float64(p.done) / now.Sub(p.start).Seconds()
		if p.total > 0 && rate > 0 {
			left := time.Duration(float64(p.total-p.done)/rate) * time.Second
			fmt.Fprintf(p.w, "crate-vk: %d of %d images, %.2f images/s, %v left\n", p.done, p.total, rate, left)
		} else {
			fmt.Fprintf(p.w, "crate-vk: %d images, %.2f images/s\n", p.done, rate)
		}
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
