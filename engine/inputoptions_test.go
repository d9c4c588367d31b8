package engine

import (
	"context"
	"fmt"
	"image"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// onInterpreter loads a small model, on the reference device.
func onInterpreter(t *testing.T, src *ModelSource) *Model {
	t.Helper()
	return load(t, onReference(t), src)
}

func maeSource(t *testing.T) *ModelSource {
	t.Helper()
	src, err := OpenModel("../testdata/model/crate-mae", ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// untouched is an image that must not be looked at.
type untouched struct{ image.Image }

func (untouched) Bounds() image.Rectangle { panic("an image is looked at") }

// refuses holds that a read-out is refused by all ways to run it, with an error that says
// why, and before an image is touched.
func refuses[T any](t *testing.T, m *Model, name string, r Readout[T], want string) {
	t.Helper()
	ctx := context.Background()
	c := m.Config()
	imgs := []image.Image{untouched{}}
	_, batch := r.Batch(ctx, m, imgs)
	_, one := r.One(ctx, m, imgs[0])
	_, request := r.Request(&c, 1, c.ImageSize[0], c.ImageSize[1])
	_, image := checkImage(ctx, r, m, nil)
	stream, items := error(nil), 0
	for _, err := range r.Stream(ctx, m, func(func(Input) bool) { t.Errorf("%s: inputs are taken", name) }) {
		stream = err
		items++
	}
	if items != 1 {
		t.Errorf("%s: a stream yields %d times", name, items)
	}
	for way, err := range map[string]error{"Check": r.Check(&c), "Batch": batch, "One": one, "Stream": stream, "Request": request, "CheckImage": image} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s gives %v, want an error with %q", name, way, err, want)
		}
	}
}

// TestInputOptionsRefused: what makes no sense of images is refused by every read-out.
func TestInputOptionsRefused(t *testing.T) {
	m := onInterpreter(t, oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48}))
	mae := onInterpreter(t, maeSource(t))
	for _, x := range []struct {
		name string
		o    InputOptions
		want string
	}{
		{"filter 99", InputOptions{Filter: 99}, "filter 99"},
		{"filter −1", InputOptions{Filter: -1}, "filter -1"},
		{"positions x", InputOptions{Positions: "x"}, `positions "x": want exact or demo`},
		{"batch −3", InputOptions{Batch: -3}, "-3 images, want 1 to 65536"},
		{"batch of a million", InputOptions{Batch: 1e6}, "1000000 images"},
		{"width −5", InputOptions{Size: Size{Width: -5}}, "-5×0 px"},
		{"height alone", InputOptions{Size: Size{Height: 32}}, "0×32 px"},
		{"a million pixels wide", InputOptions{Size: Size{Width: 1e6, Height: 32}}, "want both sides from 1 to 32768"},
		{"less than a patch", InputOptions{Size: Size{Width: 32, Height: 7}}, "32×7 px is smaller than one patch of 8×8"},
		{"native and a size", InputOptions{Size: Size{Width: 32, Height: 32, Native: true}}, "exclude each other"},
	} {
		refuses(t, m, "attention, "+x.name, Attention(AttentionOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "maskcut, "+x.name, MaskCut(MaskCutOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "tokencut, "+x.name, TokenCut(TokenCutOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "parts, "+x.name, Parts(PartsOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "features, "+x.name, FeaturesOf(FeatureOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "classify, "+x.name, Classify(ClassifyOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "embed, "+x.name, Embed(EmbedOptions{InputOptions: x.o}), x.want)
		refuses(t, m, "analyze, "+x.name, Analyze(AnalyzeOptions{InputOptions: x.o}), x.want)
		refuses(t, mae, "reconstruct, "+x.name, Reconstruct(ReconstructOptions{InputOptions: x.o}), x.want)
	}
}

// TestOptionsRefused: options that make no sense for a model are errors before anything
// runs, of every way to run a read-out.
func TestOptionsRefused(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48})
	m := onInterpreter(t, src)
	mae := onInterpreter(t, maeSource(t))
	headless := src.Config
	headless.Classes = 0
	bare := onInterpreter(t, NewModelSource("headless", headless, "none", headless.RandomParams(5)))
	attention := func(name string, o readout.Options, want string) {
		refuses(t, m, name, Attention(AttentionOptions{Options: o}), want)
	}
	attention("head 3 of 3", readout.Options{Head: readout.HeadAt(3)}, "head 3: the model has heads 0 … 2")
	attention("head −7", readout.Options{Head: readout.HeadAt(-7)}, "head -7: the model has heads 0 … 2")
	attention("head x", readout.Options{Head: "x"}, `head "x"`)
	attention("no layer", readout.Options{Layers: []int{}}, "no layer is chosen")
	attention("layer 3 of 3", readout.Options{Layers: []int{0, 3}}, "layer 3: the model has layers 0 … 2")
	attention("layer 2 twice", readout.Options{Layers: []int{2, 0, -1}}, "layer 2 is named twice")
	attention("seven times all", readout.Options{Keep: readout.Keep{Share: 7}}, "keep mass:7")
	attention("twice the patches", readout.Options{Keep: readout.Keep{Count: true, Share: 2}}, "keep count:2")
	attention("a share that is none", readout.Options{Keep: readout.Keep{Share: math.NaN()}}, "keep mass:NaN")
	attention("no patches", readout.Options{Keep: readout.Keep{Count: true}}, "keep count:0")
	attention("upsample x", readout.Options{Upsample: "x"}, `upsample "x"`)

	for name, f := range map[string]Finish{"refine \"crff\"": {Refine: "crff"}, "parts of at least -1 pixels": {Least: -1}} {
		refuses(t, m, "attention, "+name, Attention(AttentionOptions{Finish: f}), name)
		refuses(t, m, "maskcut, "+name, MaskCut(MaskCutOptions{Finish: f}), name)
		refuses(t, m, "tokencut, "+name, TokenCut(TokenCutOptions{Finish: f}), name)
	}
	refuses(t, m, "a million objects", MaskCut(MaskCutOptions{Objects: 1e6}), "1000000 objects asked for, want 1 to 1000")
	refuses(t, m, "−1 objects", MaskCut(MaskCutOptions{Objects: -1}), "-1 objects")
	for name, tau := range map[string]float64{"1": 1, "-0.1": -0.1, "NaN": math.NaN()} {
		refuses(t, m, "maskcut, tau "+name, MaskCut(MaskCutOptions{Tau: &tau}), "tau is "+name)
		refuses(t, m, "tokencut, tau "+name, TokenCut(TokenCutOptions{Tau: &tau}), "tau is "+name)
	}
	refuses(t, m, "maskcut, layer 3 of 3", MaskCut(MaskCutOptions{Layer: new(3)}), "layer 3")
	refuses(t, m, "tokencut, layer −4 of 3", TokenCut(TokenCutOptions{Layer: new(-4)}), "layer -4")
	refuses(t, m, "parts, layer 3 of 3", Parts(PartsOptions{Layer: new(3)}), "layer 3")
	refuses(t, m, "variant x", Parts(PartsOptions{Options: parts.Options{Variant: "x"}}), `variant "x"`)
	refuses(t, m, "threshold NaN", Parts(PartsOptions{Options: parts.Options{Threshold: math.NaN()}}), "threshold is NaN")

	features := func(name string, o FeatureOptions, want string) { refuses(t, m, name, FeaturesOf(o), want) }
	features("facet x", FeatureOptions{Facets: []crate.Facet{crate.FacetKey, "x"}}, `facet "x"`)
	features("no facet", FeatureOptions{Facets: []crate.Facet{}}, "none of the facets []")
	features("a facet of others", FeatureOptions{Facets: []crate.Facet{crate.FacetReconstruction}}, "none of the facets [reconstruction]")
	features("no layer", FeatureOptions{Layers: []int{}}, "no layer is chosen")
	features("layer −4 of 3", FeatureOptions{Layers: []int{-4}}, "layer -4")
	features("no tensor", FeatureOptions{Tensors: []string{}}, "no tensor is named: this crate model has tokens.embed, key.0 … 2")
	features("tensor key.3", FeatureOptions{Tensors: []string{"key.3"}}, `tensor "key.3": this crate model has tokens.embed, key.0 … 2, attention.0 … 2, cls_attention.0 … 2, tokens.0 … 2, embedding.class, embedding.mean, logits`)
	features("a tensor twice", FeatureOptions{Tensors: []string{"key.1", "key.1"}}, "named twice")
	features("tensors and layers", FeatureOptions{Tensors: []string{"key.1"}, Layers: []int{1}}, "exclude each other")
	for name, ratio := range map[string]float64{"1.5": 1.5, "-0.5": -0.5, "NaN": math.NaN()} {
		features("features, ratio "+name, FeatureOptions{MaskRatio: &ratio}, "mask ratio is "+name)
		refuses(t, mae, "reconstruct, ratio "+name, Reconstruct(ReconstructOptions{MaskRatio: &ratio}), "mask ratio is "+name)
	}
	refuses(t, m, "no decoder", Reconstruct(ReconstructOptions{}), "none of the facets [reconstruction]")

	refuses(t, m, "top −1", Classify(ClassifyOptions{Top: -1}), "the -1 most probable")
	refuses(t, bare, "no head", Classify(ClassifyOptions{}), "no classification head")
	refuses(t, m, "pool x", Embed(EmbedOptions{Pool: "x"}), `pool "x"`)
	refuses(t, m, "the zero value", Readout[int]{}, "the zero value reads nothing")

	odd := src.Config
	for _, own := range []string{"head=x", "layers=3", "layers=1,1", "head=3"} {
		odd.Readout = own
		refuses(t, onInterpreter(t, NewModelSource("odd", odd, "none", odd.RandomParams(5))), "the model's own", Attention(AttentionOptions{}), fmt.Sprintf("readout %q", own))
	}

	ctx := context.Background()
	if _, err := m.Segment(ctx, untouched{}, AttentionOptions{}, AttentionOptions{}); err == nil {
		t.Error("two options are accepted")
	}
	for _, err := range m.SegmentStream(ctx, nil, AttentionOptions{}, AttentionOptions{}) {
		if err == nil {
			t.Error("two options are accepted")
		}
	}
}

// TestZeroOptions: the zero value of a read-out's options is its defaults, written out
// here, by a stream, as a batch and by one call.
func TestZeroOptions(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48})
	m := onInterpreter(t, src)
	native, bilinear := Size{Width: 48, Height: 64}, picture.Bilinear
	in := InputOptions{Size: native, Filter: bilinear, Positions: crate.PositionsExact, Batch: 1}
	cut := in
	cut.Filter = picture.Lanczos
	none := Finish{Refine: refine.None, Least: 1}
	paper := readout.Options{Layers: []int{1}, Head: readout.HeadMean, Keep: readout.Keep{Share: 0.6}, Upsample: readout.UpsampleNearest}
	layers := []int{0, 1, 2}
	facets := []crate.Facet{crate.FacetTokens, crate.FacetKey, crate.FacetAttention, crate.FacetClassAttention, crate.FacetLogits}
	var tensors []string
	for name := range must(t, FeaturesOf(FeatureOptions{}), m) {
		tensors = append(tensors, name)
	}
	same(t, "attention", m, Attention(AttentionOptions{}), Attention(AttentionOptions{InputOptions: in, Options: paper, Finish: none}))
	same(t, "maskcut", m, MaskCut(MaskCutOptions{}), MaskCut(MaskCutOptions{InputOptions: cut, Finish: none, Layer: new(-1), Tau: new(0.15), Objects: 3}))
	same(t, "tokencut", m, TokenCut(TokenCutOptions{}), TokenCut(TokenCutOptions{InputOptions: cut, Finish: none, Layer: new(2), Tau: new(0.2)}))
	same(t, "parts", m, Parts(PartsOptions{}), Parts(PartsOptions{InputOptions: cut, Layer: new(2), Options: parts.Options{Variant: parts.Code, Threshold: parts.Threshold}}))
	same(t, "features", m, FeaturesOf(FeatureOptions{}), FeaturesOf(FeatureOptions{InputOptions: in, Layers: layers, Facets: facets, MaskRatio: new(0.75)}))
	same(t, "tensors", m, FeaturesOf(FeatureOptions{}), FeaturesOf(FeatureOptions{InputOptions: in, Tensors: tensors}))
	same(t, "classify", m, Classify(ClassifyOptions{}), Classify(ClassifyOptions{InputOptions: in, Top: 5}))
	same(t, "embed", m, Embed(EmbedOptions{}), Embed(EmbedOptions{InputOptions: in, Pool: PoolClass}))
	same(t, "analyze", m, Analyze(AnalyzeOptions{}), Analyze(AnalyzeOptions{InputOptions: in}))
	in.Size = Size{Width: 32, Height: 32}
	same(t, "reconstruct", onInterpreter(t, maeSource(t)), Reconstruct(ReconstructOptions{}), Reconstruct(ReconstructOptions{InputOptions: in, MaskRatio: new(0.75)}))

	// A model's own choice comes before the paper's.
	own := src.Config
	own.Readout = "layers=0,2 head=1 keep=count:0.4 upsample=bilinear"
	o := readout.Options{Layers: []int{0, 2}, Head: readout.HeadAt(1), Keep: readout.Keep{Count: true, Share: 0.4}, Upsample: readout.UpsampleBilinear}
	m = onInterpreter(t, NewModelSource("own", own, "none", own.RandomParams(5)))
	same(t, "a model's own", m, Attention(AttentionOptions{}), Attention(AttentionOptions{Options: o}))
	o.Head = readout.HeadMean
	same(t, "but for the head", m, Attention(AttentionOptions{Options: readout.Options{Head: readout.HeadMean}}), Attention(AttentionOptions{Options: o}))
	o = paper
	o.Layers = []int{0}
	same(t, "no 0 is a default", m, Attention(AttentionOptions{Options: readout.Options{Layers: []int{0}, Head: "mean", Keep: paper.Keep, Upsample: "nearest"}}), Attention(AttentionOptions{Options: o}))
	a, b := must(t, MaskCut(MaskCutOptions{Layer: new(0), Tau: new(0.0)}), m), must(t, MaskCut(MaskCutOptions{}), m)
	if reflect.DeepEqual(a, b) {
		t.Error("layer 0 and τ 0 of MaskCut give what the defaults give")
	}
}

func must[T any](t *testing.T, r Readout[T], m *Model) T {
	t.Helper()
	x, err := r.One(context.Background(), m, pictures(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// same holds that two read-outs give the same, whichever way they run.
func same[T any](t *testing.T, name string, m *Model, a, b Readout[T]) {
	t.Helper()
	ctx := context.Background()
	imgs := pictures(3)
	ways := func(r Readout[T]) (list []any) {
		streamed, err := collect(r.Stream(ctx, m, Images(imgs)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		batch, err := r.Batch(ctx, m, imgs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return append(list, streamed, batch, must(t, r, m))
	}
	if x, y := ways(a), ways(b); !reflect.DeepEqual(x, y) {
		t.Errorf("%s: the zero value gives something else than the defaults written out", name)
	}
	c := m.Config()
	x, err := a.Request(&c, 1, c.ImageSize[0], c.ImageSize[1])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if y, err := b.Request(&c, 1, c.ImageSize[0], c.ImageSize[1]); err != nil || x.Positions != y.Positions || x.Tau != y.Tau || x.Mask != y.Mask {
		t.Errorf("%s: the request of the zero value is %+v, of the defaults %+v, %v", name, x, y, err)
	}
}
