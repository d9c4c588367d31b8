//go:build viewer && cgo

package window

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/graph"
)

// oracle composes a scene on the host, in the words of the kernels' headers. maps are the
// values of the tiles' maps, already averaged.
func oracle(s *Scene, maps [][]float32) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
	for y := range s.Height {
		for x := range s.Width {
			at := image.Pt(x, y)
			c := [3]int{int(s.Ground.R), int(s.Ground.G), int(s.Ground.B)}
			for i, t := range s.Tiles {
				if at.In(t.Rect) {
					c = tileColour(s, t, maps[i], at.Sub(t.Rect.Min), c)
				}
			}
			if s.Overlay != nil {
				o := s.Overlay.RGBAAt(x, y)
				for k, v := range [3]uint8{o.R, o.G, o.B} {
					c[k] = min(int(v)+(c[k]*(255-int(o.A))+127)/255, 255)
				}
			}
			out.SetRGBA(x, y, color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255})
		}
	}
	return out
}

func tileColour(s *Scene, t Tile, m []float32, at image.Point, c [3]int) [3]int {
	mixed := func(above color.RGBA, alpha int) {
		for k, v := range [3]uint8{above.R, above.G, above.B} {
			c[k] = (c[k]*(255-alpha) + int(v)*alpha + 127) / 255
		}
	}
	w, h, border := t.Rect.Dx(), t.Rect.Dy(), at
	if t.Photo != nil {
		p := t.Photo.RGBAAt(at.X, at.Y)
		c = [3]int{int(p.R), int(p.G), int(p.B)}
	}
	if t.Labels != nil {
		switch l := t.Labels[at.Y*w+at.X]; {
		case l == 0:
			grey := (77*c[0] + 150*c[1] + 29*c[2]) >> 8
			for k := range c {
				c[k] = (c[k] + grey) * 3 / 8
			}
		default:
			p := s.Palette[l&127-1]
			for k, v := range [3]uint8{p.R, p.G, p.B} {
				c[k] = (3*c[k] + int(v)) / 4
			}
		}
	}
	if t.Tint != nil {
		p := t.Tint.RGBAAt(at.X, at.Y)
		mixed(p, int(t.Opacity)*int(p.A)/255)
	}
	if f := s.Frame; t.Map != nil {
		if whole := t.Whole; !whole.Empty() {
			at, w, h = at.Add(t.Rect.Min).Sub(whole.Min), whole.Dx(), whole.Dy()
		}
		rx, ry := (2*at.X+1)*f.Width/(2*w), (2*at.Y+1)*f.Height/(2*h)
		if rx < f.TrimmedWidth() && ry < f.TrimmedHeight() {
			low, high := m[0], m[0]
			for _, v := range m {
				low, high = min(low, v), max(high, v)
			}
			if t.Zero {
				low, high = -max(-low, low, -high, high), max(-low, low, -high, high)
			}
			v, u := m[ry*f.Rows/f.TrimmedHeight()*f.Columns+rx*f.Columns/f.TrimmedWidth()], float32(0)
			if high > low {
				u = (v - low) / (high - low)
			}
			mixed(t.Colours[min(int(u*255+0.5), 255)], int(t.Opacity))
		}
	}
	if t.Labels == nil {
		return c
	}
	if l := t.Labels[border.Y*t.Rect.Dx()+border.X]; l > 127 {
		p := s.Palette[l&127-1]
		c = [3]int{int(p.R), int(p.G), int(p.B)}
	}
	return c
}

// kept is a tensor [1 rows n] of random values on the engine's device.
func kept(t *testing.T, eng *engine.Engine, r *rand.Rand, rows, n int) (*engine.DeviceTensor, []float32) {
	t.Helper()
	b := graph.NewBuilder("kept")
	x := b.Input("x", graph.F32Type("B", 1, "N", rows, "C", n))
	b.Output("y", b.Do(graph.OpScale, graph.Attrs{"by": 2.0}, x))
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	p, err := eng.Compile(context.Background(), g, nil, engine.CompileOptions{Keep: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, rows*n)
	for i := range data {
		data[i] = r.Float32() - 0.5
	}
	out, err := p.Run(context.Background(), engine.Inputs{"x": data})
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] *= 2
	}
	return out.Device["y"], data
}

func randomPicture(r *rand.Rand, size image.Point, opaque bool) *image.RGBA {
	m := image.NewRGBA(image.Rectangle{Max: size})
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
		if opaque && i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

// TestCanvas: scenes on each device are the oracle's, byte for byte: with and without each
// layer, a second scene that shares pictures with the first, one that is larger, an image
// that is trimmed to whole patches, a mean of rows, tensors in both orders of memory.
func TestCanvas(t *testing.T) {
	devicetest.Need(t)
	devices, err := engine.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		t.Run(d.Name, func(t *testing.T) {
			ctx := context.Background()
			eng, err := engine.Open(ctx, engine.WithDevice("uuid:"+d.UUID))
			if err != nil {
				t.Fatal(err)
			}
			defer eng.Close()
			c, err := NewCanvas(eng)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r := rand.New(rand.NewPCG(1, 2))
			const rows, columns, prefix, n = 5, 7, 1, 9
			tensor, data := kept(t, eng, r, n, prefix+rows*columns)
			defer tensor.Close()
			row := func(k int) (Row, []float32) {
				return Row{tensor, k, prefix}, data[k*(prefix+rows*columns)+prefix:][:rows*columns]
			}
			var ramp [256]color.RGBA
			for i := range ramp {
				ramp[i] = color.RGBA{uint8(i), uint8(255 - i), uint8(i / 2), 255}
			}
			s := &Scene{Width: 150, Height: 90, Ground: color.RGBA{22, 24, 29, 255}, Palette: []color.RGBA{{255, 56, 92, 255}, {0, 170, 255, 255}},
				Frame: readout.Frame{Width: 8*columns + 3, Height: 8*rows + 5, Rows: rows, Columns: columns, Patch: 8}}
			look := func(name string, maps ...[]float32) {
				t.Helper()
				drawn, err := c.Draw(ctx, s)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, err := c.Picture()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				want := oracle(s, maps)
				for i := range want.Pix {
					if got.Pix[i] != want.Pix[i] {
						t.Fatalf("%s: pixel %d, %d: %v, want %v", name, i/4%s.Width, i/4/s.Width, got.Pix[i/4*4:][:4], want.Pix[i/4*4:][:4])
					}
				}
				for i, m := range maps {
					if m == nil {
						continue
					}
					low, high := m[0], m[0]
					for _, v := range m {
						low, high = min(low, v), max(high, v)
					}
					if s.Tiles[i].Zero {
						low, high = -max(-low, low, -high, high), max(-low, low, -high, high)
					}
					if drawn.Ranges[i] != [2]float32{low, high} {
						t.Errorf("%s: tile %d has the range %v, want %v to %v", name, i, drawn.Ranges[i], low, high)
					}
				}
			}
			look("the ground alone")

			first, one := row(3)
			photo := randomPicture(r, image.Pt(71, 60), true)
			s.Tiles = []Tile{{Rect: image.Rect(2, 3, 73, 63), Photo: photo, Map: &Map{first}, Colours: &ramp, Opacity: 160}}
			look("a photograph and a map", one)

			var mean []float32
			var all Map
			for k := range 4 {
				one, values := row(2 + k)
				all = append(all, one)
				if mean == nil {
					mean = make([]float32, len(values))
				}
				for i, v := range values {
					mean[i] += v
				}
			}
			for i := range mean {
				mean[i] /= 4
			}
			second, two := row(5)
			labels := make([]byte, 71*60)
			for i := range labels {
				labels[i] = []byte{0, 1, 2, 129, 130}[r.IntN(5)]
			}
			s.Overlay = randomPicture(r, image.Pt(150, 90), false)
			for i := 0; i < len(s.Overlay.Pix); i += 4 { // premultiplied
				for k := range 3 {
					s.Overlay.Pix[i+k] = uint8(int(s.Overlay.Pix[i+k]) * int(s.Overlay.Pix[i+3]) / 255)
				}
			}
			s.Tiles[0].Labels = labels
			s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(75, 0, 146, 60), Photo: photo, Map: &all, Colours: &ramp, Opacity: 255},
				Tile{Rect: image.Rect(0, 70, 33, 90), Whole: image.Rect(-20, 50, 60, 101), Map: &Map{second}, Colours: &ramp, Zero: true, Opacity: 90},
				Tile{Rect: image.Rect(40, 70, 70, 81), Tint: randomPicture(r, image.Pt(30, 11), false), Opacity: 200})
			look("everything", one, mean, two, nil)
			look("the same again", one, mean, two, nil)

			s.Width, s.Height, s.Overlay = 400, 301, randomPicture(r, image.Pt(400, 301), true)
			look("a larger canvas", one, mean, two, nil)
			s.Overlay, s.Tiles = nil, s.Tiles[1:2]
			look("fewer tiles", mean)
		})
	}
}
