package crate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// Settings are configuration values from one source: a caller, a config.json or
// a weight file's metadata. What the source does not say is nil.
type Settings struct {
	Architecture  *Architecture
	Attention     *string
	Block         *string
	Pool          *string
	ImageSize     *[2]int
	Patch         *int
	Dim           *int
	Depth         *int
	Heads         *int
	Classes       *int
	Eta           *float64
	Lambda        *float64
	LNEps         *float64
	ResidualFF    *bool
	Mean, Std     *[3]float64
	Interpolation *string
	Labels        []string
	Readout       *string

	From string // the source, for Origins

	sizeHint *[2]int    // a native size that is taken where the position table fits it
	parts    []Settings // the sources of settings that were merged, the first ones first
}

// Origin names the source of each value that is given, by its name in config.json.
type Origin map[string]string

// Origins is what the sources give, earlier ones first.
func Origins(sources ...Settings) Origin {
	from := Origin{}
	for _, s := range sources {
		list := s.parts
		if list == nil {
			list = []Settings{s}
		}
		for _, s := range list {
			for name, given := range map[string]bool{
				"architecture": s.Architecture != nil, "attention": s.Attention != nil, "block": s.Block != nil, "pool": s.Pool != nil,
				"image_size": s.ImageSize != nil, "patch_size": s.Patch != nil, "dim": s.Dim != nil, "depth": s.Depth != nil, "num_classes": s.Classes != nil,
				"heads": s.Heads != nil, "eta": s.Eta != nil, "lambda": s.Lambda != nil, "ln_eps": s.LNEps != nil,
				"residual_ff": s.ResidualFF != nil, "mean": s.Mean != nil, "std": s.Std != nil, "interpolation": s.Interpolation != nil,
				"classes": s.Labels != nil, "readout": s.Readout != nil,
			} {
				if _, earlier := from[name]; given && !earlier {
					from[name] = s.From
				}
			}
		}
	}
	return from
}

// Or fills what s does not say from t.
func (s Settings) Or(t Settings) Settings {
	s.Architecture = first(s.Architecture, t.Architecture)
	s.Attention = first(s.Attention, t.Attention)
	s.Block = first(s.Block, t.Block)
	s.Pool = first(s.Pool, t.Pool)
	s.ImageSize = first(s.ImageSize, t.ImageSize)
	s.Patch = first(s.Patch, t.Patch)
	s.Dim = first(s.Dim, t.Dim)
	s.Depth = first(s.Depth, t.Depth)
	s.Heads = first(s.Heads, t.Heads)
	s.Classes = first(s.Classes, t.Classes)
	s.Eta = first(s.Eta, t.Eta)
	s.Lambda = first(s.Lambda, t.Lambda)
	s.LNEps = first(s.LNEps, t.LNEps)
	s.ResidualFF = first(s.ResidualFF, t.ResidualFF)
	s.Mean = first(s.Mean, t.Mean)
	s.Std = first(s.Std, t.Std)
	s.Interpolation = first(s.Interpolation, t.Interpolation)
	s.sizeHint = first(s.sizeHint, t.sizeHint)
	if s.Labels == nil {
		s.Labels = t.Labels
	}
	s.Readout = first(s.Readout, t.Readout)
	return s
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// configFile is config.json as users write it.
type configFile struct {
	Architecture *string    `json:"architecture"`
	Attention    *string    `json:"attention"`
	Block        *string    `json:"block"`
	Pool         *string    `json:"pool"`
	ImageSize    *[]int     `json:"image_size"`
	Patch        *int       `json:"patch_size"`
	Dim          *int       `json:"dim"`
	Depth        *int       `json:"depth"`
	Heads        *int       `json:"heads"`
	Classes      *int       `json:"num_classes"`
	Eta          *float64   `json:"eta"`
	Lambda       *float64   `json:"lambda"`
	LNEps        *float64   `json:"ln_eps"`
	ResidualFF   *bool      `json:"residual_ff"`
	Mean         *[]float64 `json:"mean"`
	Std          *[]float64 `json:"std"`
	Interp       *string    `json:"interpolation"`
	Labels       []string   `json:"classes"`
	Readout      *string    `json:"readout"`
}

// ParseConfig reads a config.json. Somebody else's (no architecture that we
// know) gives ours = false and no error.
func ParseConfig(data []byte) (s Settings, ours bool, err error) {
	var probe struct {
		Architecture any `json:"architecture"`
	}
	if err := decodeStrict(data, &probe); err != nil {
		return s, false, fmt.Errorf("config.json: %w", err)
	}
	if a, ok := probe.Architecture.(string); !ok || !slices.Contains(Architectures(), Architecture(a)) {
		return s, false, nil
	}
	var f configFile
	if err := decodeStrict(data, &f); err != nil {
		return s, true, fmt.Errorf("config.json: %w", err)
	}
	arch := Architecture(*f.Architecture)
	s = Settings{Architecture: &arch, Attention: f.Attention, Block: f.Block, Pool: f.Pool, Patch: f.Patch, Dim: f.Dim, Depth: f.Depth, Heads: f.Heads,
		Classes: f.Classes, Eta: f.Eta, Lambda: f.Lambda, LNEps: f.LNEps, ResidualFF: f.ResidualFF, Interpolation: f.Interp, Labels: f.Labels, Readout: f.Readout}
	if f.ImageSize != nil {
		if len(*f.ImageSize) != 2 {
			return s, true, fmt.Errorf("config.json: image_size is %v, want [height, width]", *f.ImageSize)
		}
		s.ImageSize = (*[2]int)(*f.ImageSize)
	}
	for _, m := range []struct {
		name string
		from *[]float64
		to   **[3]float64
	}{{"mean", f.Mean, &s.Mean}, {"std", f.Std, &s.Std}} {
		if m.from == nil {
			continue
		}
		if len(*m.from) != 3 {
			return s, true, fmt.Errorf("config.json: %s is %v, want 3 numbers", m.name, *m.from)
		}
		*m.to = (*[3]float64)(*m.from)
	}
	return s, true, s.checkWords("config.json: ")
}

// ParseMetadata reads the crate.* keys of a safetensors file's metadata.
// Other keys are nobody's business.
func ParseMetadata(meta map[string]string) (Settings, error) {
	s := Settings{From: "metadata of the weight file"}
	variants := caseVariants(meta)
	var err error
	get := func(key string, parse func(string) error) {
		if k, ok := variants["crate."+key]; ok && err == nil {
			err = fmt.Errorf("metadata %s: want crate.%s in this very spelling", quote.Name(k), key)
		}
		if v, ok := meta["crate."+key]; ok && err == nil {
			if e := parse(v); e != nil {
				err = fmt.Errorf("metadata crate.%s is %q: %w", key, v, e)
			}
		}
	}
	integer := func(p **int) func(string) error {
		return func(v string) error { n, e := strconv.Atoi(v); *p = &n; return e }
	}
	float := func(p **float64) func(string) error {
		return func(v string) error { x, e := strconv.ParseFloat(v, 64); *p = &x; return e }
	}
	text := func(p **string) func(string) error { return func(v string) error { *p = &v; return nil } }
	three := func(p **[3]float64) func(string) error {
		return func(v string) error { x, e := parseThree(v); *p = &x; return e }
	}
	get("architecture", func(v string) error { a := Architecture(v); s.Architecture = &a; return nil })
	get("attention", text(&s.Attention))
	get("block", text(&s.Block))
	get("pool", text(&s.Pool))
	get("image_size", func(v string) error { n, e := ParseSize(v); s.ImageSize = &n; return e })
	get("patch_size", integer(&s.Patch))
	get("dim", integer(&s.Dim))
	get("depth", integer(&s.Depth))
	get("heads", integer(&s.Heads))
	get("num_classes", integer(&s.Classes))
	get("eta", float(&s.Eta))
	get("lambda", float(&s.Lambda))
	get("ln_eps", float(&s.LNEps))
	get("residual_ff", func(v string) error { b, e := strconv.ParseBool(v); s.ResidualFF = &b; return e })
	get("mean", three(&s.Mean))
	get("std", three(&s.Std))
	get("interpolation", text(&s.Interpolation))
	get("classes", func(v string) error { s.Labels = strings.Split(v, ","); return nil })
	get("readout", text(&s.Readout))
	if err == nil {
		err = s.checkWords("metadata: ")
	}
	return s, err
}

// caseVariants are the keys that are not in lower case, by what they are in lower case.
func caseVariants(meta map[string]string) map[string]string {
	variants := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		if low := strings.ToLower(k); low != k {
			variants[low] = k
		}
	}
	return variants
}

// checkWords refuses names that we don't know.
func (s *Settings) checkWords(place string) error {
	if s.Architecture != nil && !slices.Contains(Architectures(), *s.Architecture) {
		return fmt.Errorf("%sarchitecture is %q, want one of %v", place, *s.Architecture, Architectures())
	}
	for _, w := range []struct {
		name string
		val  *string
		want []string
	}{{"attention", s.Attention, []string{AttentionMSSA, AttentionMHSA}}, {"block", s.Block, []string{BlockISTA, BlockSoft, BlockODL, BlockMLP}}, {"pool", s.Pool, []string{PoolClass, PoolMean}},
		{"interpolation", s.Interpolation, interpolations}} {
		if w.val != nil && !slices.Contains(w.want, *w.val) {
			return fmt.Errorf("%s%s is %q, want one of %v", place, w.name, *w.val, w.want)
		}
	}
	return nil
}

// ParseSize reads N or HxW as [height, width].
func ParseSize(v string) ([2]int, error) {
	h, w, two := strings.Cut(v, "x")
	if !two {
		w = h
	}
	a, err1 := strconv.Atoi(h)
	b, err2 := strconv.Atoi(w)
	if err1 != nil || err2 != nil || a < 1 || b < 1 {
		return [2]int{}, fmt.Errorf("want N or HxW")
	}
	return [2]int{a, b}, nil
}

func parseThree(v string) ([3]float64, error) {
	var x [3]float64
	parts := strings.Split(v, ",")
	if len(parts) != 3 {
		return x, fmt.Errorf("want three numbers a,b,c")
	}
	for i, p := range parts {
		f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil {
			return x, err
		}
		x[i] = f
	}
	return x, nil
}

// Metadata is the crate.* metadata that describes a model completely.
func (c *Config) Metadata() map[string]string {
	float := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	three := func(x [3]float64) string { return float(x[0]) + "," + float(x[1]) + "," + float(x[2]) }
	m := map[string]string{
		"crate.architecture": string(c.Architecture),
		"crate.attention":    c.Attention,
		"crate.block":        c.Block,
		"crate.pool":         cmp.Or(c.Pool, PoolClass),
		"crate.image_size":   fmt.Sprintf("%dx%d", c.ImageSize[0], c.ImageSize[1]),
		"crate.patch_size":   strconv.Itoa(c.Patch),
		"crate.dim":          strconv.Itoa(c.Dim),
		"crate.depth":        strconv.Itoa(c.Depth),
		"crate.heads":        strconv.Itoa(c.Heads),
		"crate.num_classes":  strconv.Itoa(c.LogitCount()),
		"crate.eta":          float(c.Eta),
		"crate.lambda":       float(c.Lambda),
		"crate.ln_eps":       float(c.LNEps),
		"crate.residual_ff":  strconv.FormatBool(c.ResidualFF),
		"crate.mean":         three(c.Mean),
		"crate.std":          three(c.Std),
	}
	if len(c.Labels) > 0 {
		m["crate.classes"] = strings.Join(c.Labels, ",")
	}
	if c.Interpolation != "" {
		m["crate.interpolation"] = c.Interpolation
	}
	if c.Readout != "" {
		m["crate.readout"] = c.Readout
	}
	return m
}
