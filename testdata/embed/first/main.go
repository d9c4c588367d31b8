// First is the shortest program: it writes the mask of a picture as PNG, with the
// small model that is built in.
//
//	first fish.png mask.png
package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"log"
	"os"

	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: first picture mask.png")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, from, to string) error {
	eng, err := engine.Open(ctx) // engine.WithDevice("cpu") where there is no Vulkan
	if err != nil {
		return err
	}
	defer eng.Close() // closes the model, too
	// With weights of your own: engine.OpenModel("model.safetensors", …).
	source, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		return err
	}
	model, err := eng.Load(ctx, source)
	if err != nil {
		return err
	}
	img, _, err := picture.DecodeFile(ctx, from, picture.Options{}) // or any image.Image
	if err != nil {
		return err
	}
	seg, err := model.Segment(ctx, img)
	if err != nil {
		return err
	}
	object := seg.Objects[0]
	fmt.Printf("the object is in %v\n", object.Mask.Box())
	var file bytes.Buffer
	if err := png.Encode(&file, object.Mask); err != nil {
		return err
	}
	return os.WriteFile(to, file.Bytes(), 0o644)
}
