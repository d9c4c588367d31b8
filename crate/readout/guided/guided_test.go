package guided

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// definition is the guided filter by its windows, with a dense solve a window.
func definition(image *picture.RGB, p []float64, radius int, epsilon float64) []float64 {
	w, h := image.Width, image.Height
	window := func(i int, f func(j int)) (count float64) {
		for y := max(i/w-radius, 0); y <= min(i/w+radius, h-1); y++ {
			for x := max(i%w-radius, 0); x <= min(i%w+radius, w-1); x++ {
				f(y*w + x)
				count++
			}
		}
		return count
	}
	colour := func(j, c int) float64 { return float64(image.Pix[3*j+c]) / 255 }
	a := make([][4]float64, len(p))
	for i := range p {
		var mean [3]float64
		var mp float64
		count := window(i, func(j int) {
			mp += p[j]
			for c := range mean {
				mean[c] += colour(j, c)
			}
		})
		mp /= count
		for c := range mean {
			mean[c] /= count
		}
		sigma, cov := mat.NewDense(3, 3, nil), mat.NewVecDense(3, nil)
		window(i, func(j int) {
			for c := range 3 {
				cov.SetVec(c, cov.AtVec(c)+(colour(j, c)-mean[c])*(p[j]-mp)/count)
				for e := range 3 {
					sigma.Set(c, e, sigma.At(c, e)+(colour(j, c)-mean[c])*(colour(j, e)-mean[e])/count)
				}
			}
		})
		for c := range 3 {
			sigma.Set(c, c, sigma.At(c, c)+epsilon)
		}
		var x mat.VecDense
		if err := x.SolveVec(sigma, cov); err != nil {
			panic(err)
		}
		a[i] = [4]float64{x.AtVec(0), x.AtVec(1), x.AtVec(2), mp - x.AtVec(0)*mean[0] - x.AtVec(1)*mean[1] - x.AtVec(2)*mean[2]}
	}
	q := make([]float64, len(p))
	for i := range q {
		var s [4]float64
		count := window(i, func(j int) {
			for k := range s {
				s[k] += a[j][k]
			}
		})
		q[i] = (s[0]*colour(i, 0) + s[1]*colour(i, 1) + s[2]*colour(i, 2) + s[3]) / count
	}
	return q
}

func noise(r *rand.Rand, width, height int) *picture.RGB {
	image := picture.NewRGB(width, height)
	for i := range image.Pix {
		image.Pix[i] = uint8(r.IntN(256))
	}
	return image
}

// TestDefinition compares with the definition at one size, where nothing is
// enlarged.
func TestDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, size := range [][3]int{{12, 9, 2}, {7, 16, 3}, {5, 5, 6}, {1, 8, 1}} {
		image := noise(r, size[0], size[1])
		p := make([]float64, size[0]*size[1])
		for i := range p {
			p[i] = r.Float64()
		}
		f := readout.NewFrame(size[0], size[1], size[0], size[1], 1)
		got := New(image, f, Options{Radius: size[2], Epsilon: 1e-3}).Map(p, size[1], size[0])
		for i, want := range definition(image, p, size[2], 1e-3) {
			if math.Abs(got[i]-want) > 1e-10 {
				t.Fatalf("%v: pixel %d is %v, want %v", size, i, got[i], want)
			}
		}
	}
}

// A map that doesn't vary stays, whatever the image.
func TestConstantMap(t *testing.T) {
	image := noise(rand.New(rand.NewPCG(1, 1)), 50, 37)
	f := readout.NewFrame(50, 37, 32, 24, 4)
	for i, q := range New(image, f, Options{}).Map([]float64{0.3, 0.3, 0.3, 0.3}, 2, 2) {
		if math.Abs(q-0.3) > 1e-12 {
			t.Fatalf("pixel %d is %v, want 0.3", i, q)
		}
	}
}

// A mask of patches follows an edge that lies within a patch, at the size of
// the image, and leaves the trimmed strip empty.
func TestFollowsEdges(t *testing.T) {
	image := picture.NewRGB(200, 150)
	object := func(x, y int) bool { return x >= 53 && x < 131 && y >= 37 && y < 97 }
	for i := range 200 * 150 {
		if object(i%200, i/200) {
			image.Pix[3*i+1] = 180
		}
	}
	f := readout.NewFrame(200, 150, 100, 75, 8) // 12 × 9 patches, strips of 4 and 3 pixels
	cells := make([]bool, f.Rows*f.Columns)
	for i := range cells {
		cells[i] = object(i%f.Columns*16+8, i/f.Columns*16+8)
	}
	plain, mask := f.ToImage(cells, f.Rows, f.Columns), New(image, f, Options{}).Mask(cells, f.Rows, f.Columns)
	before, after := 0, 0
	for i := range mask.Pix {
		if want := object(i%200, i/200); (plain.Pix[i] != 0) != want {
			before++
		}
		if want := object(i%200, i/200); (mask.Pix[i] != 0) != want {
			after++
		}
		if (i%200 >= 192 || i/200 >= 144) && mask.Pix[i] != 0 {
			t.Fatalf("pixel %d of the trimmed strip is set", i)
		}
	}
	if after*20 > before {
		t.Errorf("%d pixels are off the object, %d without the guide", after, before)
	}
}

func BenchmarkMask2MP(b *testing.B) {
	image := noise(rand.New(rand.NewPCG(1, 1)), 1600, 1200)
	f := readout.NewFrame(1600, 1200, 480, 480, 8)
	cells := make([]bool, 3600)
	for i := range cells {
		cells[i] = i%60 > 20 && i < 2400
	}
	for b.Loop() {
		New(image, f, Options{}).Mask(cells, 60, 60)
	}
}
