//go:build viewer && cgo

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/sbinet/npyio/npz"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/engine/window"
)

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inPane is the first pane of a picture of the window.
func (s *session) inPane(t *testing.T, file string) image.Image {
	t.Helper()
	pane := s.ui.Layout().Panes[0]
	if pane.Visible() != pane.Picture {
		t.Fatalf("the pane %+v shows a part of its picture", pane)
	}
	return readPNG(t, file).(interface {
		SubImage(r image.Rectangle) image.Image
	}).SubImage(pane.Picture)
}

// sameColours compares pictures pixel by pixel, each from its own top left corner.
func sameColours(t *testing.T, what string, got, want image.Image) {
	t.Helper()
	if got.Bounds().Size() != want.Bounds().Size() {
		t.Fatalf("%s: %v pixels, want %v", what, got.Bounds().Size(), want.Bounds().Size())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, _ := got.At(got.Bounds().Min.X+x, got.Bounds().Min.Y+y).RGBA()
			wr, wg, wb, _ := want.At(want.Bounds().Min.X+x, want.Bounds().Min.Y+y).RGBA()
			if r != wr || g != wg || b != wb {
				t.Fatalf("%s: pixel %d, %d is %d %d %d, want %d %d %d", what, x, y, r>>8, g>>8, b>>8, wr>>8, wg>>8, wb>>8)
			}
		}
	}
}

// TestMask: at scale 1 and without a map the window shows the overlay that segment writes,
// pixel for pixel, and key m saves the mask that segment writes, byte for byte.
func TestMask(t *testing.T) {
	const fish = samples + "01-fish.png"
	for _, c := range []struct {
		name, keys string
		flags      []string
	}{
		{"attention", "key 1", []string{"--layer", "5", "--keep", "mass:0.6"}},
		{"a head, a share", "key 1\nkey right\nkey right\nkey +\nkey +\nscroll -1", []string{"--layer", "4", "--head", "1", "--keep", "mass:0.7"}},
		{"maskcut", "key 2", []string{"--method", "maskcut", "--layer", "5"}},
		{"pca", "key 3", []string{"--method", "pca", "--layer", "5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := headless(t, fish)
			dir := t.TempDir()
			s.script(t, "resize 700 500\nkey z\nkey t\n"+c.keys)
			s.choose(func(c *viewer.Choice) { c.Opacity = 0 })
			s.script(t, "leave\nwait\nshot "+dir+"/shot.png\nmask "+dir+"/mask.png")
			out := filepath.Join(dir, "out")
			runCrateVK(t, append([]string{"segment", fish, "--out", out, "--format", "mask,overlay"}, c.flags...)...)
			sameColours(t, "the overlay", s.inPane(t, dir+"/shot.png"), readPNG(t, out+"/01-fish.overlay.png"))
			got, err := os.ReadFile(dir + "/mask.png")
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(out + "/01-fish.mask.png")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the mask that was saved is not the one that segment wrote")
			}
		})
	}
}

// TestClass: the window names what the model takes the image for, of each image anew; an image
// that fails is shown as its error, and the next one works.
func TestClass(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := headless(t, samples+"01-fish.png", bad, samples+"12-butterfly.png")
	for _, want := range []string{"fish ", "", "butterfly "} {
		s.script(t, "wait")
		s.mu.Lock()
		now := s.now
		s.mu.Unlock()
		switch {
		case want == "" && now.err == nil:
			t.Error("an image that is no image has no error")
		case want != "" && (now.err != nil || now.class == nil || !strings.HasPrefix(*now.class, want)):
			t.Errorf("%s: %v, class %v, want %s", now.path, now.err, now.class, want)
		}
		s.script(t, "key n")
	}
}

// TestHover: what the window shows under the mouse is the row of attention that features
// writes, by a head and by the mean of all, in the colours of its colour map.
func TestHover(t *testing.T) {
	const fish = samples + "01-fish.png"
	s := headless(t, fish)
	dir := t.TempDir()
	runCrateVK(t, "features", fish, "--out", dir+"/features", "--facets", "attention", "--layers", "3", "--format", "npz")
	file, err := npz.Open(dir + "/features/01-fish.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var attention []float32
	if err := file.Read("attention.3.npy", &attention); err != nil {
		t.Fatal(err, file.Keys())
	}
	const heads, side, n = 4, 16, 257
	for _, head := range []int{viewer.MeanHead, 2} {
		for _, at := range []image.Point{{0, 0}, {8, 7}, {15, 15}} {
			s.choose(func(c *viewer.Choice) { c.Opacity, c.Layer, c.Head, c.Actual = 1, 3, head, true })
			s.script(t, fmt.Sprintf("wait\npatch %d %d\nwait\nshot %s/shot.png", at.Y, at.X, dir))
			want := make([]float32, side*side)
			for j := range want {
				for h := range heads {
					if head == viewer.MeanHead || h == head {
						want[j] += attention[(h*n+1+at.Y*side+at.X)*n+1+j]
					}
				}
				if head == viewer.MeanHead {
					want[j] /= heads
				}
			}
			pane := s.inPane(t, dir+"/shot.png")
			checkColours(t, pane, want, side, at, &viewer.ColourMaps()[0])
		}
	}
}

// checkColours compares the middle of each patch but the one with the mark; drivers may
// divide with an error that makes a colour the next one.
func checkColours(t *testing.T, pane image.Image, want []float32, side int, mark image.Point, colours *viewer.ColourMap) {
	t.Helper()
	low, high := want[0], want[0]
	for _, v := range want {
		low, high = min(low, v), max(high, v)
	}
	size, near, next := pane.Bounds().Dx()/side, 0, 0
	for j, v := range want {
		x, y := j%side, j/side
		if x == mark.X && y == mark.Y {
			continue
		}
		r, g, b, _ := pane.At(pane.Bounds().Min.X+x*size+size/2, pane.Bounds().Min.Y+y*size+size/2).RGBA()
		level := int(math.Min(float64((v-low)/(high-low)*255+0.5), 255))
		found := false
		for k := max(level-1, 0); k <= min(level+1, 255); k++ {
			if c := colours.Colours[k]; uint32(c.R) == r>>8 && uint32(c.G) == g>>8 && uint32(c.B) == b>>8 {
				found = true
				if near++; k != level {
					next++
				}
				break
			}
		}
		if !found {
			t.Fatalf("patch %d, %d is %d %d %d, want colour %d, %v", x, y, r>>8, g>>8, b>>8, level, colours.Colours[level])
		}
	}
	if next > len(want)/50 {
		t.Errorf("%d of %d patches have the next colour", next, near)
	}
}

// refusing is a screen that can't show the first pictures.
type refusing struct {
	times int
	shown chan struct{} // closed with the first picture that is shown
}

func (r *refusing) show() (later bool, err error) {
	r.times--
	if r.times == 0 {
		close(r.shown)
	}
	return r.times > 0, nil
}

func (r *refusing) renew() error { return nil }

// TestShownLater: a frame that could not be shown is drawn again, though no event comes.
func TestShownLater(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.script(t, "resize 300 200\nwait")
	screen := &refusing{times: 3, shown: make(chan struct{})}
	s.frames.Lock()
	s.screen = screen
	s.frames.Unlock()
	poke(s.redraw)
	select {
	case <-screen.shown:
	case <-time.After(time.Minute):
		t.Fatal("no frame was drawn again")
	}
}

// surfaceless is a screen whose surface is lost once. renew does what the main thread does.
type surfaceless struct {
	main    func() error
	renewed chan error
}

func (x *surfaceless) show() (later bool, err error) {
	if x.main != nil {
		return false, window.ErrSurfaceLost
	}
	return false, nil
}

func (x *surfaceless) renew() error {
	err := x.main()
	x.main = nil
	x.renewed <- err
	return err
}

// TestSurfaceLost: while the window's surface is made anew the main thread may save a picture,
// which waits for the frame that is being drawn.
func TestSurfaceLost(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.script(t, "resize 300 200\nwait")
	screen := &surfaceless{renewed: make(chan error, 1), main: func() error {
		_, err := s.picture(t.Context())
		return err
	}}
	s.frames.Lock()
	s.screen = screen
	s.frames.Unlock()
	poke(s.redraw)
	select {
	case err := <-screen.renewed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("drawing and the main thread wait for each other")
	}
	s.script(t, "wait")
}

// TestKeysFail: keys that can't be compared, for want of memory or otherwise, are that image's
// error, and the window goes on.
func TestKeysFail(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.script(t, "resize 500 400\nwait")
	s.frames.Lock()
	s.reader.config.Heads = 5 // which don't divide the keys' channels
	s.frames.Unlock()
	s.script(t, "key k\npatch 3 4\nwait")
	if err := s.trouble(); err == nil {
		t.Error("no error is shown")
	}
	s.frames.Lock()
	s.reader.config.Heads = 4
	s.frames.Unlock()
	s.script(t, "key a\nwait")
	if err := s.trouble(); err != nil {
		t.Errorf("of attention: %v", err)
	}
}
