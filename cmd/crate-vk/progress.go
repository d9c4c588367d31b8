package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// progress shows how far a run is: a bar on a terminal, a line every ten
// seconds elsewhere. The rate is that of the images which were computed, since the
// first of them was taken; those that an earlier run had finished take no time.
type progress struct {
	w        io.Writer
	bar      *progressbar.ProgressBar
	now      func() time.Time
	total    int // 0: not known
	done     int
	computed int // of done
	start    time.Time
	last     time.Time // of a line
}

// lineEvery is the time between two lines where no one looks at a terminal.
const lineEvery = 10 * time.Second

func (a *app) progress(total int) *progress {
	if a.quiet {
		return newProgress(io.Discard, total)
	}
	return newProgress(a.err, total)
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total, now: time.Now}
	p.start = p.now()
	p.last = p.start
	if cli.Terminal(w) && total > 0 {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(cli.Raw(w)), progressbar.OptionSetDescription("images"), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// skip counts an image that needed no work.
func (p *progress) skip() {
	if p.computed == 0 {
		p.start = p.now() // nothing was computed so far
	}
	p.count()
}

// add counts an image that was computed, or failed.
func (p *progress) add() {
	p.computed++
	p.count()
}

func (p *progress) count() {
	p.done++
	now := p.now()
	if p.bar != nil {
		p.bar.Describe("images " + p.speed(now))
		p.bar.Add(1)
		return
	}
	if now.Sub(p.last) < lineEvery {
		return
	}
	p.last = now
	line := fmt.Sprintf("crate-vk: %d", p.done)
	if p.total > 0 {
		line += fmt.Sprintf(" of %d", p.total)
	}
	line += " images"
	if speed := p.speed(now); speed != "" {
		line += ", " + speed
	}
	fmt.Fprintln(p.w, line)
}

// speed is the rate, and the time that is left at that rate; "" before a second
// has passed or an image was computed, which tell no rate yet.
func (p *progress) speed(now time.Time) string {
	took := now.Sub(p.start).Seconds()
	if took < 1 || p.computed == 0 {
		return ""
	}
	rate := float64(p.computed) / took
	text := fmt.Sprintf("%.3g images/s", rate)
	if p.total > 0 {
		left := time.Duration(float64(p.total-p.done)/rate*1000) * time.Millisecond
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
