package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"log"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// A mask for each head, of another layer than the model's own, smoothed along the
// image's colours. What is zero stays the model's choice.
func ExampleAttention() {
	eng, model := open()
	defer eng.Close()
	o := engine.AttentionOptions{
		Options: readout.Options{Layers: []int{-1}, Head: readout.HeadEach, Upsample: readout.UpsampleBilinear},
		Finish:  engine.Finish{Refine: engine.RefineGuided, FillHoles: true},
	}
	seg, err := engine.Attention(o).One(context.Background(), model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	for _, obj := range seg.Objects {
		fmt.Printf("head %s: %d pixels in %v\n", obj.Head, obj.Mask.Area(), obj.Mask.Box())
	}
	// Output:
	// head 0: 2348 pixels in [39 22 83 54]
	// head 1: 3581 pixels in [13 25 109 67]
	// head 2: 5101 pixels in [0 21 128 74]
	// head 3: 3952 pixels in [0 16 128 79]
}

// What the zero value stands for.
func ExampleAttentionOptions_Resolved() {
	eng, model := open()
	defer eng.Close()
	c := model.Config()
	o, err := engine.AttentionOptions{Options: readout.Options{Head: readout.HeadAt(0)}}.Resolved(&c)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Options, o.Filter, o.Positions)
	// Output:
	// layers=4,5 head=0 keep=mass:0.8 upsample=bilinear bilinear exact
}

// A mask is an image.Image: what is drawn through it is the object alone.
func ExampleObject() {
	eng, model := open()
	defer eng.Close()
	img := decode(samples + "01-fish.png")
	seg, err := model.Segment(context.Background(), img)
	if err != nil {
		log.Fatal(err)
	}
	mask := seg.Objects[0].Mask
	object := image.NewNRGBA(img.Bounds())
	draw.DrawMask(object, object.Rect, img, image.Point{}, mask, image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := png.Encode(&file, mask); err != nil {
		log.Fatal(err)
	}
	back, err := png.Decode(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("beside the object:", object.NRGBAAt(64, 5), back.At(64, 5))
	fmt.Println("on it:", object.NRGBAAt(64, 64), back.At(64, 64))
	// Output:
	// beside the object: {0 0 0 0} {0}
	// on it: {223 66 53 255} {255}
}

// Objects of a larger input, from the keys of an earlier layer.
func ExampleMaskCut() {
	eng, model := open()
	defer eng.Close()
	o := engine.MaskCutOptions{Layer: new(3), Tau: new(0.3), Objects: 2}
	o.Size = engine.Size{Width: 160, Height: 160}
	for item, err := range engine.MaskCut(o).Stream(context.Background(), model, engine.Files([]string{samples + "01-fish.png"}, picture.Options{})) {
		if err != nil {
			log.Fatal(err)
		}
		if item.Err != nil {
			log.Fatal(item.Err)
		}
		for _, obj := range item.Value.Objects {
			fmt.Printf("%v, score %.2f\n", obj.Mask.Box(), obj.Score)
		}
	}
	// Output:
	// [0 70 26 26], score 0.97
	// [13 19 115 77], score 0.97
}

// One object an image, as TokenCut publishes it.
func ExampleTokenCut() {
	eng, model := open()
	defer eng.Close()
	seg, err := engine.TokenCut(engine.TokenCutOptions{}).One(context.Background(), model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(seg.Objects[0].Mask.Box())
	// Output:
	// [0 16 128 80]
}

// Parts that images share: each result depends on all of them.
func ExampleParts() {
	eng, model := open()
	defer eng.Close()
	o := engine.PartsOptions{Options: parts.Options{Variant: parts.Code}, Layer: new(-2)}
	imgs := []image.Image{decode(samples + "01-fish.png"), decode(samples + "07-mug.gif")}
	found, err := engine.Parts(o).Batch(context.Background(), model, imgs)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range found {
		fmt.Println(readout.Count(p.Foreground), "of", p.Rows*p.Columns, "patches are foreground")
	}
	// Output:
	// 91 of 256 patches are foreground
	// 101 of 256 patches are foreground
}

// Single tensors by name.
func ExampleFeaturesOf() {
	eng, model := open()
	defer eng.Close()
	o := engine.FeatureOptions{Tensors: []string{"key.2", "logits"}}
	features, err := engine.FeaturesOf(o).One(context.Background(), model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(features["key.2"].Shape, features["logits"].Shape)

	c := model.Config()
	fmt.Println(engine.FeaturesOf(engine.FeatureOptions{Facets: []crate.Facet{"keys"}}).Check(&c))
	// Output:
	// [257 128] [10]
	// facet "keys": want some of [tokens key attention cls logits features embedding reconstruction]
}

// One vector an image, made on the device.
func ExampleEmbed() {
	eng, model := open()
	defer eng.Close()
	imgs := []image.Image{decode(samples + "01-fish.png"), decode(samples + "07-mug.gif")}
	vectors, err := engine.Embed(engine.EmbedOptions{Pool: engine.PoolMean}).Batch(context.Background(), model, imgs)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(vectors), "vectors of", len(vectors[0]), "numbers")
	// Output:
	// 2 vectors of 128 numbers
}

// The most probable classes.
func ExampleClassify() {
	eng, model := open()
	defer eng.Close()
	classes, err := engine.Classify(engine.ClassifyOptions{Top: 2}).One(context.Background(), model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range classes {
		fmt.Printf("%s %.2f\n", c.Name, c.Probability)
	}
	// Output:
	// fish 0.96
	// house 0.01
}

// What the layers do with an image: they compress it and make it sparse.
func ExampleAnalyze() {
	eng, model := open()
	defer eng.Close()
	layers, err := engine.Analyze(engine.AnalyzeOptions{}).One(context.Background(), model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	for l := range layers.Rates {
		fmt.Printf("layer %d: %.0f nats, %.0f %% zeros\n", l, layers.Rates[l], 100*layers.Zeros[l])
	}
	// Output:
	// layer 0: 241 nats, 52 % zeros
	// layer 1: 241 nats, 66 % zeros
	// layer 2: 217 nats, 65 % zeros
	// layer 3: 219 nats, 70 % zeros
	// layer 4: 175 nats, 63 % zeros
	// layer 5: 119 nats, 90 % zeros
}

// A CRATE-MAE fills in what a mask hides.
func ExampleReconstruct() {
	ctx := context.Background()
	eng, err := engine.Open(ctx, engine.WithDevice(engine.Interpreter))
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	source, err := engine.OpenModel("../testdata/model/crate-mae", engine.ModelOptions{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := eng.Load(ctx, source)
	if err != nil {
		log.Fatal(err)
	}
	o := engine.ReconstructOptions{MaskRatio: new(0.5), MaskSeed: 1}
	features, err := engine.Reconstruct(o).One(ctx, model, decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(features["reconstruction"].Shape, features["mask"].Data)
	// Output:
	// [16 192] [0 1 1 1 1 1 0 0 0 0 1 1 0 1 0 0]
}
