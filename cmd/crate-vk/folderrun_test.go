//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// runFormats are formats that write something for each image, and files of the
// whole run.
const runFormats = "mask,overlay,json,yolo,labelme,coco,html"

// runDevice is where these tests run: what they hold doesn't depend on it, and the
// interpreter is there at once.
const runDevice = "cpu"

// TestKilled: a run that is killed at any moment is completed by the next one, to
// the folder that an undisturbed run leaves. CRATE_VK_KILLS says how often.
func TestKilled(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("CRATE_VK_KILLS")); err == nil {
		kills = n
	}
	dir := samples(t, 3)
	args := []string{"segment", "-d", runDevice, "--no-cache", "--format", runFormats, "in", "-o"}
	start := time.Now()
	spawn(t, dir, append(args, "whole")...).want(cli.ExitOK)
	took := time.Since(start)
	want := everything(t, filepath.Join(dir, "whole"))
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range kills {
		out := fmt.Sprint("out", i)
		after := time.Duration(r.Int64N(int64(took)))
		c := spawn(t, dir, append(args, out)...).start()
		time.Sleep(after)
		c.Process.Kill()
		c.Wait()
		spawn(t, dir, append(args, out)...).want(cli.ExitOK)
		same(t, fmt.Sprintf("killed after %v (seed %d)", after, seed), everything(t, filepath.Join(dir, out)), want)
	}
}

// TestTwoRuns: while a run has the folder, another one refuses.
func TestTwoRuns(t *testing.T) {
	dir := samples(t, 1)
	c := spawn(t, dir, "segment", "-d", runDevice, "--no-cache", "--format", "mask", "--files-from", "-", "--json", "-o", "out")
	lines := stream(c)
	fmt.Fprintln(c.in, "in/01-fish.png")
	lines.Scan()
	spawn(t, dir, "segment", "-d", runDevice, "--no-cache", "--format", "mask", "in", "-o", "out").want(cli.ExitUsage, "out: another run is writing into this folder")
	c.in.Close()
	if code := c.code(); code != cli.ExitOK {
		t.Errorf("exit %d: %s", code, c.log.String())
	}
}

// TestSameFolder: what is in the folder depends on the inputs alone: not on batch,
// cores, the cache, or the images beside it.
func TestSameFolder(t *testing.T) {
	device := runDevice
	if len(vulkanDevices()) > 0 && !testing.Short() {
		device = "0"
	}
	dir := samples(t, 4)
	args := []string{"segment", "-d", device, "--format", runFormats, "-o"}
	run := func(out string, env string, more ...string) map[string]string {
		c := spawn(t, dir, append(append(args[:len(args):len(args)], out), more...)...)
		if home, err := os.UserHomeDir(); err == nil && os.Getenv("MESA_SHADER_CACHE_DIR") == "" {
			c.Env = append(c.Env, "MESA_SHADER_CACHE_DIR="+filepath.Join(home, ".cache"))
		}
		c.Env = append(c.Env, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), env)
		c.want(cli.ExitOK)
		return everything(t, filepath.Join(dir, out))
	}
	want := run("cold", "", "in")
	same(t, "with what the first run has cached", run("warm", "", "in"), want)
	same(t, "one at a time, on one core", run("single", "GOMAXPROCS=1", "--batch", "1", "in"), want)
	alone := run("alone", "", "in/03-house.jpg")
	turned := run("turned", "", "--batch", "3", "in/04-butterfly.webp", "in/03-house.jpg", "in/02-cat.jpg", "in/01-fish.png")
	for name, data := range want {
		if strings.HasSuffix(name, ".png") || strings.HasSuffix(name, ".json") && name != cocoName {
			if turned[name] != data {
				t.Errorf("in another order: %s differs", name)
			}
			if strings.HasPrefix(name, "03-") && alone[name] != data {
				t.Errorf("alone: %s differs", name)
			}
		}
	}
}

// TestHashIsOfWhatWasDecoded: while a file is replaced again and again, the hash is
// that of the picture which came out.
func TestHashIsOfWhatWasDecoded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.png")
	sums := map[string]uint8{}
	var files [2][]byte
	for i, shade := range []uint8{0, 255} {
		img := image.NewGray(image.Rect(0, 0, 8, 8))
		for k := range img.Pix {
			img.Pix[k] = color.Gray{Y: shade}.Y
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		files[i] = b.Bytes()
		one := task{data: files[i]}
		sum, err := one.hash(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sums[sum] = shade
	}
	write(t, path, files[0])
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				next := filepath.Join(dir, "next")
				os.WriteFile(next, files[i%2], 0o644)
				os.Rename(next, path)
			}
		}
	})
	defer swapping.Wait()
	defer close(stop)
	shades := map[uint8]int{}
	for range 2000 {
		one := task{path: path}
		img, sum, err := one.load(context.Background(), picture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		shade, known := sums[sum]
		if got := img.Pix[0]; !known || got != shade {
			t.Fatalf("the hash is of the picture of shade %d (known: %t), and shade %d was decoded", shade, known, got)
		}
		shades[shade]++
	}
	if len(shades) < 2 {
		t.Skip("the file was never replaced in between")
	}
}
