package engine_test

import (
	"context"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"log"
	"maps"
	"os"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

const samples = "../testdata/demo/samples/images/"

// open loads the embedded model on the reference device, which every machine
// has and which always gives the same. Leave WithDevice out to run on a GPU.
func open() (*engine.Engine, *engine.Model) {
	ctx := context.Background()
	eng, err := engine.Open(ctx, engine.WithDevice(engine.Interpreter))
	if err != nil {
		log.Fatal(err)
	}
	source, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := eng.Load(ctx, source)
	if err != nil {
		log.Fatal(err)
	}
	return eng, model
}

func decode(path string) image.Image {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	return img
}

// One mask, of a picture that the program has.
func ExampleModel_Segment() {
	eng, model := open()
	defer eng.Close()
	seg, err := model.Segment(context.Background(), decode(samples+"01-fish.png"))
	if err != nil {
		log.Fatal(err)
	}
	mask := seg.Objects[0].Mask
	fmt.Printf("%d×%d pixels, %.0f %% of them the object, in the box %v\n", mask.Width, mask.Height,
		100*float64(mask.Area())/float64(mask.Width*mask.Height), mask.Box())
	// Output:
	// 128×128 pixels, 29 % of them the object, in the box [0 17 128 80]
}

// Many files: decoding, computing and reading out overlap, items come in the
// order of the inputs, and a file that fails has an item of its own.
func ExampleModel_SegmentStream() {
	eng, model := open()
	defer eng.Close()
	files := []string{samples + "01-fish.png", samples + "none.png", samples + "07-mug.gif"}
	for item, err := range model.SegmentStream(context.Background(), engine.Files(files, picture.Options{})) {
		switch {
		case err != nil: // the whole stream: the device was lost, say
			log.Fatal(err)
		case item.Err != nil:
			fmt.Println("no mask:", item.Err)
		default:
			fmt.Println(item.Input.Name, item.Value.Objects[0].Mask.Box())
		}
	}
	// Output:
	// ../testdata/demo/samples/images/01-fish.png [0 17 128 80]
	// no mask: stat ../testdata/demo/samples/images/none.png: no such file or directory
	// ../testdata/demo/samples/images/07-mug.gif [17 14 119 147]
}

// Tensors of a layer: its tokens, and the attention of its heads.
func ExampleModel_Features() {
	eng, model := open()
	defer eng.Close()
	last := engine.FeatureOptions{Layers: []int{-1}, Facets: []crate.Facet{crate.FacetTokens, crate.FacetClassAttention}}
	features, err := model.Features(context.Background(), decode(samples+"01-fish.png"), last)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(features)) {
		fmt.Println(name, features[name].Shape)
	}
	// Output:
	// cls_attention.5 [4 257]
	// tokens.5 [257 128]
	// tokens.embed [257 128]
}

// A published geometry with random weights.
func ExamplePreset() {
	source, err := engine.Preset("emergence-b8")
	if err != nil {
		log.Fatal(err)
	}
	c := source.Config
	fmt.Println(c.Depth, "layers of", c.Dim, "channels and", c.Heads, "heads, patches of", c.Patch, "pixels")
	// Output:
	// 12 layers of 768 channels and 12 heads, patches of 8 pixels
}

// What the machine has. Without a driver the error says what is missing.
func ExampleDevices() {
	devices, err := engine.Devices()
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range devices {
		fmt.Println(d.Index, d)
	}
}
