package engine

import (
	"context"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestDistilled: a distilled DeiT has two tokens before its patches. Both take
// part in the softmax, and neither is a patch: not in maps, not in affinities.
func TestDistilled(t *testing.T) {
	cases := formulaCases()
	k := cases[slices.IndexFunc(cases, func(k formulaCase) bool { return k.name == "deit-distilled" })]
	const side, patches, tau = 12, 9, 0.15
	pixels := devicetest.Pixels(side, side, 1)
	f := k.image([2]int{3, 3}, pixels)
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		img.Set(i%side, i/side, color.RGBA{pixels[3*i], pixels[3*i+1], pixels[3*i+2], 255})
	}
	src := k.open(t, f)
	var maps [][]float64 // of each head, over the patches, sum 1
	for h := range f.heads {
		row := f.out["cls_attention.1"][h*(patches+2)+2 : (h+1)*(patches+2)]
		sum := 0.0
		for _, a := range row {
			sum += a
		}
		m := make([]float64, patches)
		for i, a := range row {
			m[i] = a / sum
		}
		maps = append(maps, m)
	}
	cosine := func(i, j int) float64 {
		a, b := f.out["key.1"][(2+i)*f.inner:(3+i)*f.inner], f.out["key.1"][(2+j)*f.inner:(3+j)*f.inner]
		ab, aa, bb := 0.0, 0.0, 0.0
		for c := range a {
			ab, aa, bb = ab+a[c]*b[c], aa+a[c]*a[c], bb+b[c]*b[c]
		}
		return ab / math.Sqrt(aa*bb)
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		s, err := m.Segment(context.Background(), img, AttentionOptions{HeadMaps: true})
		if err != nil {
			t.Fatal(err)
		}
		for h, want := range maps {
			for i := range want {
				if d := math.Abs(s.Heads[h][i] - want[i]); len(s.Heads[h]) != patches || !(d <= 1e-4) {
					t.Fatalf("head %d is %v, want %v", h, s.Heads[h], want)
				}
			}
		}
		got := m.runOnce(t, Request{Outputs: []string{"affinity.1"}, Height: side, Width: side, Batch: 1, Tau: tau}, pixels)["affinity.1"]
		if rows := got.Shape[1].Size; rows != patches {
			t.Fatalf("affinities of %d rows, want %d", rows, patches)
		}
		for i := range patches {
			for j := range patches {
				c := cosine(i, j)
				if alike := math.Float32bits(got.Data[i])>>j&1 == 1; alike != (c > tau) && math.Abs(c-tau) > 1e-5 {
					t.Errorf("patches %d and %d, cosine %g: alike %t", i, j, c, alike)
				}
			}
		}
	})
}
