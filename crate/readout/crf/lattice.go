package crf

import (
	"math"

	"github.com/crate-vk/crate-vk/crate/readout/internal/cores"
)

// lattice filters values at points by a Gaussian of unit deviation over their
// features: each point's value is splatted to the d+1 vertices of the simplex
// of the permutohedral lattice A*_d that encloses it, blurred along the
// lattice's d+1 axes, and sliced at the points again.
type lattice struct {
	points, d int
	vertices  int
	corner    []int32   // [points d+1]: vertices around a point
	weight    []float32 // [points d+1]: barycentric, their sum is 1
	// The same by vertices, so that splatting is a sum in a fixed order.
	start []int32 // [vertices+1]
	from  []int32 // point·(d+1) + corner
	// Neighbours along the axes, the vertex behind the last where there is none.
	before, after []int32 // [d+1 vertices]
}

// newLattice places n points; feature writes the d features of one, in
// deviations of the Gaussian.
func newLattice(n, d int, feature func(i int, x []float64)) *lattice {
	l := &lattice{points: n, d: d, corner: make([]int32, n*(d+1)), weight: make([]float32, n*(d+1))}
	table := newVertexTable(d, n)
	p := newPlacer(d)
	x := make([]float64, d)
	key := make([]int16, d)
	for i := range n {
		feature(i, x)
		p.place(x)
		for k := range d + 1 {
			for c := range d {
				key[c] = int16(p.base[c] + p.canonical(k, p.rank[c]))
			}
			l.corner[i*(d+1)+k] = table.add(key)
			l.weight[i*(d+1)+k] = float32(p.barycentric[k])
		}
	}
	l.vertices = table.count
	l.sort()
	l.link(table)
	return l
}

// placer finds the simplex around a feature vector.
type placer struct {
	d           int
	scale       []float64
	elevated    []float64 // on the hyperplane of coordinate sum 0, [d+1]
	base        []int     // the nearest vertex of remainder 0, [d+1]
	rank        []int     // of the residual along each coordinate, [d+1]
	barycentric []float64 // [d+2]
}

func newPlacer(d int) *placer {
	p := &placer{d: d, scale: make([]float64, d), elevated: make([]float64, d+1), base: make([]int, d+1), rank: make([]int, d+1), barycentric: make([]float64, d+2)}
	// Splat, blur and slice together have a variance of 2(d+1)²/3 in lattice
	// units, which these factors make 1.
	for i := range p.scale {
		p.scale[i] = math.Sqrt(2.0/3) * float64(d+1) / math.Sqrt(float64((i+1)*(i+2)))
	}
	return p
}

// place elevates x to the hyperplane, rounds it to the nearest vertex of
// remainder 0, and sorts the residuals: their order names the simplex, their
// differences are the barycentric coordinates.
func (p *placer) place(x []float64) {
	d := p.d
	sum := 0.0
	for i := d; i > 0; i-- {
		c := x[i-1] * p.scale[i-1]
		p.elevated[i] = sum - float64(i)*c
		sum += c
	}
	p.elevated[0] = sum
	total := 0
	for i, e := range p.elevated {
		p.base[i] = int(math.Round(e/float64(d+1))) * (d + 1)
		total += p.base[i] / (d + 1)
		p.rank[i] = 0
	}
	for i := range d {
		for j := i + 1; j <= d; j++ {
			if p.elevated[i]-float64(p.base[i]) < p.elevated[j]-float64(p.base[j]) {
				p.rank[i]++
			} else {
				p.rank[j]++
			}
		}
	}
	// Rounding may have left the hyperplane by total: move the coordinates with
	// the largest errors back.
	for i := range p.rank {
		switch p.rank[i] += total; {
		case p.rank[i] < 0:
			p.rank[i] += d + 1
			p.base[i] += d + 1
		case p.rank[i] > d:
			p.rank[i] -= d + 1
			p.base[i] -= d + 1
		}
	}
	clear(p.barycentric)
	for i, e := range p.elevated {
		v := (e - float64(p.base[i])) / float64(d+1)
		p.barycentric[d-p.rank[i]] += v
		p.barycentric[d+1-p.rank[i]] -= v
	}
	p.barycentric[0] += 1 + p.barycentric[d+1]
}

// canonical is the offset of a simplex's vertex of remainder k along a
// coordinate of that rank.
func (p *placer) canonical(k, rank int) int {
	if rank > p.d-k {
		return k - (p.d + 1)
	}
	return k
}

// sort lists the splats by vertex.
func (l *lattice) sort() {
	l.start = make([]int32, l.vertices+1)
	for _, v := range l.corner {
		l.start[v+1]++
	}
	for v := range l.vertices {
		l.start[v+1] += l.start[v]
	}
	next := append([]int32(nil), l.start...)
	l.from = make([]int32, len(l.corner))
	for i, v := range l.corner {
		l.from[next[v]] = int32(i)
		next[v]++
	}
}

// link finds each vertex's neighbours: one step along axis a adds 1 to every
// coordinate but a, and −d to that.
func (l *lattice) link(t *vertexTable) {
	d := l.d
	l.before, l.after = make([]int32, (d+1)*l.vertices), make([]int32, (d+1)*l.vertices)
	cores.Ranges(l.vertices, 1024, func(lo, hi int) {
		key := make([]int16, d)
		look := func(v, axis int, step int16) int32 {
			for c := range d {
				key[c] = t.keys[v*d+c] + step
			}
			if axis < d {
				key[axis] = t.keys[v*d+axis] - step*int16(d)
			}
			if n := t.find(key); n >= 0 {
				return n
			}
			return int32(l.vertices)
		}
		for v := lo; v < hi; v++ {
			for axis := range d + 1 {
				l.before[axis*l.vertices+v] = look(v, axis, -1)
				l.after[axis*l.vertices+v] = look(v, axis, 1)
			}
		}
	})
}

// filter writes to out the Gaussian sums of in; both are [points].
func (l *lattice) filter(out, in []float32) {
	d := l.d
	now, next := make([]float32, l.vertices+1), make([]float32, l.vertices+1)
	cores.Ranges(l.vertices, 1024, func(lo, hi int) {
		for v := lo; v < hi; v++ {
			sum := float32(0)
			for _, i := range l.from[l.start[v]:l.start[v+1]] {
				sum += l.weight[i] * in[int(i)/(d+1)]
			}
			now[v] = sum
		}
	})
	for axis := range d + 1 {
		before, after := l.before[axis*l.vertices:(axis+1)*l.vertices], l.after[axis*l.vertices:(axis+1)*l.vertices]
		cores.Ranges(l.vertices, 1024, func(lo, hi int) {
			for v := lo; v < hi; v++ {
				next[v] = now[v] + 0.5*(now[before[v]]+now[after[v]])
			}
		})
		now, next = next, now
	}
	// The blurs' gain, 2 an axis, against what slicing at one vertex loses.
	gain := float32(1 / (1 + math.Exp2(-float64(d))))
	cores.Ranges(l.points, 1024, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			sum := float32(0)
			for k := i * (d + 1); k < (i+1)*(d+1); k++ {
				sum += l.weight[k] * now[l.corner[k]]
			}
			out[i] = sum * gain
		}
	})
}

// vertexTable numbers lattice vertices by their first d coordinates, in the
// order in which they come: open addressing, at most half full.
type vertexTable struct {
	d     int
	count int
	keys  []int16 // [count d]
	slots []int32 // number + 1, 0 where empty
}

func newVertexTable(d, points int) *vertexTable {
	size := 1 << 10
	for size < points {
		size *= 2
	}
	return &vertexTable{d: d, slots: make([]int32, size)}
}

func (t *vertexTable) hash(key []int16) int {
	h := uint64(0)
	for _, k := range key {
		h = (h + uint64(uint16(k))) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return int(h & uint64(len(t.slots)-1))
}

func (t *vertexTable) same(number int32, key []int16) bool {
	at := t.keys[int(number)*t.d:]
	for i, k := range key {
		if at[i] != k {
			return false
		}
	}
	return true
}

// find is the number of a vertex, −1 for none.
func (t *vertexTable) find(key []int16) int32 {
	for i := t.hash(key); t.slots[i] != 0; i = (i + 1) & (len(t.slots) - 1) {
		if t.same(t.slots[i]-1, key) {
			return t.slots[i] - 1
		}
	}
	return -1
}

// add is the number of a vertex, new if need be.
func (t *vertexTable) add(key []int16) int32 {
	if n := t.find(key); n >= 0 {
		return n
	}
	t.keys = append(t.keys, key...)
	t.count++
	if 2*t.count > len(t.slots) {
		t.grow()
	} else {
		t.put(int32(t.count - 1))
	}
	return int32(t.count - 1)
}

func (t *vertexTable) grow() {
	t.slots = make([]int32, 2*len(t.slots))
	for n := range t.count {
		t.put(int32(n))
	}
}

func (t *vertexTable) put(n int32) {
	i := t.hash(t.keys[int(n)*t.d : (int(n)+1)*t.d])
	for t.slots[i] != 0 {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = n + 1
}
