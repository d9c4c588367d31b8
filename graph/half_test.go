package graph

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// value is the definition of a 16-bit float, in float64 (exact).
func value(h uint16, expBits, manBits int) float64 {
	bias := 1<<(expBits-1) - 1
	exp := int(h>>manBits) & (1<<expBits - 1)
	man := float64(int(h) & (1<<manBits - 1))
	sign := 1.0
	if h>>15 != 0 {
		sign = -1
	}
	switch exp {
	case 1<<expBits - 1:
		if man != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	case 0:
		return sign * math.Ldexp(man, 1-bias-manBits)
	}
	return sign * math.Ldexp(1+math.Ldexp(man, -manBits), exp-bias)
}

type half struct {
	name             string
	expBits, manBits int
	from             func(uint16) float32
	to               func(float64) uint16
}

func halves() []half {
	return []half{{"F16", 5, 10, F16ToF32, ToF16}, {"BF16", 8, 7, BF16ToF32, ToBF16}}
}

// TestHalfAll checks all 65,536 values of both types, and the midpoint after
// each value with its neighbours in float64.
func TestHalfAll(t *testing.T) {
	for _, c := range halves() {
		inf := uint16(1<<c.expBits-1) << c.manBits
		for i := range 1 << 16 {
			h := uint16(i)
			want := value(h, c.expBits, c.manBits)
			got := float64(c.from(h))
			if math.IsNaN(want) {
				if !math.IsNaN(got) || !math.IsNaN(float64(c.from(c.to(got)))) {
					t.Fatalf("%s %#04x: NaN is lost", c.name, h)
				}
				continue
			}
			if got != want || math.Signbit(got) != math.Signbit(want) {
				t.Fatalf("%s %#04x: got %v, want %v", c.name, h, got, want)
			}
			if back := c.to(got); back != h {
				t.Fatalf("%s %#04x: comes back as %#04x", c.name, h, back)
			}
			if h&0x7fff >= inf {
				continue
			}
			// The next value away from zero; past the largest one stands the
			// value that it would have with a larger exponent.
			next := value(h+1, c.expBits, c.manBits)
			if math.IsInf(next, 0) {
				next = math.Copysign(math.Ldexp(1, 1<<(c.expBits-1)), want)
			}
			mid := want + (next-want)/2
			even := h + h&1
			for _, p := range []struct {
				x    float64
				want uint16
			}{{mid, even}, {math.Nextafter(mid, want), h}, {math.Nextafter(mid, next), h + 1}} {
				if got := c.to(p.x); got != p.want {
					t.Fatalf("%s of %v (beside %#04x): got %#04x, want %#04x", c.name, p.x, h, got, p.want)
				}
			}
		}
	}
}

func TestHalfSpecial(t *testing.T) {
	for _, c := range []struct {
		x         float64
		f16, bf16 uint16
	}{
		{0, 0, 0}, {math.Copysign(0, -1), 0x8000, 0x8000},
		{math.Inf(1), 0x7c00, 0x7f80}, {math.Inf(-1), 0xfc00, 0xff80},
		{math.MaxFloat64, 0x7c00, 0x7f80}, {math.SmallestNonzeroFloat64, 0, 0},
		{65504, 0x7bff, 0x4780}, {65519.99, 0x7bff, 0x4780}, {65520, 0x7c00, 0x4780},
		// Just above a midpoint by less than float32 can tell: rounding through
		// float32 would tie to even and give 0x3c00 and 0x3f80.
		{1 + math.Ldexp(1, -11) + math.Ldexp(1, -40), 0x3c01, 0x3f80},
		{1 + math.Ldexp(1, -8) + math.Ldexp(1, -40), 0x3c04, 0x3f81},
	} {
		if got := ToF16(c.x); got != c.f16 {
			t.Errorf("ToF16(%v) = %#04x, want %#04x", c.x, got, c.f16)
		}
		if got := ToBF16(c.x); got != c.bf16 {
			t.Errorf("ToBF16(%v) = %#04x, want %#04x", c.x, got, c.bf16)
		}
	}
}

// TestHalfNearest compares with a search for the nearest value in exact
// arithmetic.
func TestHalfNearest(t *testing.T) {
	distance := func(a, b float64) *big.Float {
		d := new(big.Float).SetPrec(2200).Sub(big.NewFloat(a).SetPrec(2200), big.NewFloat(b))
		return d.Abs(d)
	}
	for _, c := range halves() {
		t.Run(c.name, rapid.MakeCheck(func(t *rapid.T) {
			limit := float64(c.from(uint16(1<<c.expBits-1)<<c.manBits - 1))
			x := rapid.Float64Range(-limit, limit).Draw(t, "x")
			h := c.to(x)
			at := distance(x, float64(c.from(h)))
			for _, n := range []uint16{h - 1, h + 1} {
				v := float64(c.from(n))
				if math.IsNaN(v) || math.IsInf(v, 0) {
					continue
				}
				if d := distance(x, v); d.Cmp(at) < 0 || d.Cmp(at) == 0 && v != float64(c.from(h)) && h&1 == 1 {
					t.Fatalf("%v became %v, and %v is nearer or even", x, c.from(h), v)
				}
			}
		}))
	}
}
