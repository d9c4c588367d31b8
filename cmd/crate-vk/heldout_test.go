package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

const demoData = "../../testdata/demo/"

// heldOut is what the training program wrote about the held-out images, with
// PyTorch and Pillow.
type heldOut struct {
	Trained, RandomWeights expectedModel
	WithoutAModel          map[string]float64
	Images                 []expectedImage
}

type expectedModel struct {
	Accuracy   float64
	Jaccard    float64 `json:"jaccard_default"`
	CodingRate spread  `json:"coding_rate_by_layer"`
	ZeroShare  spread  `json:"zero_share_by_layer"`
}

type spread struct{ Mean, Std []float64 }

type expectedImage struct {
	File      string
	Predicted string
	Jaccard   float64
}

func readHeldOut(t *testing.T) *heldOut {
	t.Helper()
	var h struct {
		Trained        expectedModel
		RandomWeights  expectedModel      `json:"random_weights"`
		WithoutAModel  map[string]float64 `json:"without_a_model"`
		Images         []expectedImage
		SamplesIgnored json.RawMessage `json:"samples"`
	}
	readJSON(t, demoData+"heldout/expected.json", &h)
	if len(h.Images) != 200 || len(h.Trained.CodingRate.Mean) != 6 || h.Trained.Jaccard == 0 {
		t.Fatalf("expected.json has %d images, %d layers", len(h.Images), len(h.Trained.CodingRate.Mean))
	}
	return &heldOut{h.Trained, h.RandomWeights, h.WithoutAModel, h.Images}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eachDevice runs a test on every Vulkan device. On a slow one an image takes a
// second: it computes the embedded model's masks of all images, and a few images
// of what a fast device computes of all.
func eachDevice(t *testing.T, f func(t *testing.T, slow bool, run func(args ...string) []byte)) {
	t.Helper()
	list := vulkanDevices()
	if len(list) == 0 {
		if os.Getenv("CRATE_VK_REQUIRE_VULKAN") != "" {
			t.Fatal("no Vulkan device")
		}
		t.Skip("SKIPPED, no Vulkan device")
	}
	for _, d := range list {
		t.Run(d.short(), func(t *testing.T) {
			f(t, d.slow(), func(args ...string) []byte {
				t.Helper()
				var out, log bytes.Buffer
				args = append(args, "--device", "uuid:"+d.UUID, "--no-cache")
				if code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, args); code != cli.ExitOK {
					t.Fatalf("crate-vk %s: exit code %d\n%s", strings.Join(args, " "), code, &log)
				}
				return out.Bytes()
			})
		})
	}
}

// maskReport is what eval masks --json prints.
type maskReport struct {
	Scores struct {
		Images     int
		Candidates []struct {
			Label    string
			Baseline bool
			Jaccard  struct{ Mean float64 }
		}
		Best     struct{ Jaccard struct{ Mean float64 } }
		PerImage []struct {
			Name   string
			Scores []struct{ Jaccard float64 }
		} `json:"per_image"`
	}
}

func (r *maskReport) mean(t *testing.T, label string) float64 {
	t.Helper()
	for _, c := range r.Scores.Candidates {
		if c.Label == label {
			return c.Jaccard.Mean
		}
	}
	t.Fatalf("no row %q", label)
	return 0
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %g, PyTorch has %g (allowed ±%g)", what, got, want, tol)
	}
}

// TestHeldOut: segmentation emerges in the embedded model as the training
// program says, image by image, and is far above what needs no model.
func TestHeldOut(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes on a slow device")
	}
	want := readHeldOut(t)
	eachDevice(t, func(t *testing.T, slow bool, run func(args ...string) []byte) {
		var r maskReport
		if err := json.Unmarshal(run("eval", "masks", "--json", "--baselines", "--truth", demoData+"heldout/truth", demoData+"heldout/images"), &r); err != nil {
			t.Fatal(err)
		}
		if r.Scores.Images != 200 {
			t.Fatalf("%d images are scored", r.Scores.Images)
		}
		got := r.mean(t, "read")
		near(t, "the mean Jaccard index", got, want.Trained.Jaccard, 0.005)
		for row, name := range map[string]string{"centred box": "centred box of the mean area", "Otsu luminance": "Otsu luminance", "everything": "everything is object"} {
			near(t, row, r.mean(t, row), want.WithoutAModel[name], 0.002)
			if got < r.mean(t, row)+0.4 {
				t.Errorf("the model has %.3f, %s %.3f: too close", got, row, r.mean(t, row))
			}
		}
		if best := r.Scores.Best.Jaccard.Mean; best < got || best > want.WithoutAModel["best possible mask of 16x16 patches"]+0.05 {
			t.Errorf("the oracle has %.3f, the model %.3f", best, got)
		}
		far := 0
		for i, img := range r.Scores.PerImage {
			if e := want.Images[i]; img.Name != strings.TrimSuffix(e.File, filepath.Ext(e.File)) {
				t.Fatalf("image %d is %s, want %s", i, img.Name, e.File)
			} else if math.Abs(img.Scores[0].Jaccard-e.Jaccard) > 0.01 {
				far++
			}
		}
		if far > 4 {
			t.Errorf("%d images are further than 0.01 from PyTorch's masks", far)
		}

		if slow {
			return
		}
		var random maskReport
		if err := json.Unmarshal(run("eval", "masks", "--json", "--model", demoData+"crate-demo-random.safetensors", "--truth", demoData+"heldout/truth", demoData+"heldout/images"), &random); err != nil {
			t.Fatal(err)
		}
		near(t, "the mean Jaccard index of random weights", random.mean(t, "read"), want.RandomWeights.Jaccard, 0.005)
	})
}

// TestHeldOutClasses: the labels are PyTorch's.
func TestHeldOutClasses(t *testing.T) {
	want := readHeldOut(t)
	eachDevice(t, func(t *testing.T, slow bool, run func(args ...string) []byte) {
		images := make([]string, 200)
		for i, img := range want.Images {
			images[i] = demoData + "heldout/images/" + img.File
		}
		if slow {
			images = images[:10]
		}
		rows := strings.Split(strings.TrimSpace(string(run(append([]string{"classify", "--json", "--top", "1"}, images...)...))), "\n")
		if len(rows) != len(images) {
			t.Fatalf("%d rows", len(rows))
		}
		other, right := 0, 0
		for i, row := range rows {
			var r classRecord
			if err := json.Unmarshal([]byte(row), &r); err != nil || len(r.Classes) != 1 {
				t.Fatalf("%v: %s", err, row)
			}
			if r.Path != want.Images[i].File || r.Classes[0].Name != want.Images[i].Predicted {
				other++
			}
			if strings.Contains(r.Path, "-"+r.Classes[0].Name+".") {
				right++
			}
		}
		if other > 1 {
			t.Errorf("%d labels are not PyTorch's", other)
		}
		if !slow {
			near(t, "the accuracy", float64(right)/200, want.Trained.Accuracy, 0.005)
		}
	})
}

// TestHeldOutLayers: coding rate and non-zero share of the trained and of the
// random model are the training program's, layer by layer.
func TestHeldOutLayers(t *testing.T) {
	want := readHeldOut(t)
	eachDevice(t, func(t *testing.T, slow bool, run func(args ...string) []byte) {
		if slow {
			t.Skip("TestAnalyze in engine compares this device with the interpreter")
		}
		var r layerReport
		raw := run("analyze", "--json", "--against", demoData+"crate-demo-random.safetensors", demoData+"heldout/images")
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Models) != 2 || len(r.Images) != 200 {
			t.Fatalf("%d models, %d images", len(r.Models), len(r.Images))
		}
		for k, e := range []expectedModel{want.Trained, want.RandomWeights} {
			for l, got := range r.Models[k].Layers {
				where := r.Models[k].Name + ", layer " + string(rune('0'+l)) + ": "
				near(t, where+"the coding rate", float64(got.CodingRate.Mean), e.CodingRate.Mean[l], 2e-4*e.CodingRate.Mean[l])
				near(t, where+"its deviation", float64(got.CodingRate.Std), e.CodingRate.Std[l], 2e-3*e.CodingRate.Std[l])
				near(t, where+"the share of zeros", 1-float64(got.NonZero.Mean), e.ZeroShare.Mean[l], 2e-4)
				near(t, where+"its deviation", float64(got.NonZero.Std), e.ZeroShare.Std[l], 2e-4)
			}
		}
	})
}

// TestSampleMasks: the sample images, of all formats and shapes, give PyTorch's
// masks and labels.
func TestSampleMasks(t *testing.T) {
	var want struct{ Images []expectedImage }
	readJSON(t, demoData+"samples/expected.json", &want)
	eachDevice(t, func(t *testing.T, slow bool, run func(args ...string) []byte) {
		var r maskReport
		if err := json.Unmarshal(run("eval", "masks", "--json", "--truth", demoData+"samples/truth", demoData+"samples/images"), &r); err != nil {
			t.Fatal(err)
		}
		if len(want.Images) != 12 || len(r.Scores.PerImage) != 12 {
			t.Fatalf("%d images, want %d, and 12", len(r.Scores.PerImage), len(want.Images))
		}
		mean := 0.0
		for i, img := range r.Scores.PerImage {
			near(t, img.Name, img.Scores[0].Jaccard, want.Images[i].Jaccard, 0.01)
			mean += want.Images[i].Jaccard / 12
		}
		near(t, "the mean", r.mean(t, "read"), mean, 0.001)
	})
}
