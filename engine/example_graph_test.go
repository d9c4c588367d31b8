package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// similarity is a graph of one's own: the cosine of each patch's key with the key
// of the patch that which marks by a 1.
func similarity(patches, channels int) *graph.Graph {
	b := graph.NewBuilder("similarity")
	key := b.Input("key", graph.F32Type("B", 1, "N", 1+patches, "C", channels)) // the class token goes first
	which := b.Input("which", graph.F32Type("B", 1, "H", 1, "N", patches))
	unit := b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 1}, key)  // F.normalize(key[:, 1:], dim=-1)
	query := b.Do(graph.OpHeadMix, nil, which, unit)               // which @ unit
	b.Output("cosine", b.Do(graph.OpHeadScores, nil, unit, query)) // query @ unit.transpose(1, 2)
	g, err := b.Graph()
	if err != nil {
		log.Fatal(err)
	}
	return g
}

// A read-out of one's own, for a point that moves: the model runs once and its
// keys stay on the device, where a small graph compares them for each point.
func ExampleEngine_Compile() {
	ctx := context.Background()
	eng, model := open()
	defer eng.Close()
	const side, columns = 128, 16 // of the image, in pixels and in patches
	keys, err := model.Compile(ctx, engine.Request{Outputs: []string{"key.5"}, Height: side, Width: side, Batch: 1},
		engine.CompileOptions{Keep: []string{"key.5"}})
	if err != nil {
		log.Fatal(err)
	}
	compare, err := eng.Compile(ctx, similarity(columns*columns, model.Config().Inner), nil, engine.CompileOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fish := picture.FromImage(decode(samples + "01-fish.png"))
	out, err := keys.Run(ctx, engine.Inputs{crate.InputName: fish.Pix})
	if err != nil {
		log.Fatal(err)
	}
	defer out.Close()
	scales, tail, water := 6*columns+5, 5*columns+13, 14*columns+3 // patches of the picture
	for _, under := range []int{scales, water} {
		which := make([]float32, columns*columns)
		which[under] = 1
		res, err := compare.Run(ctx, engine.Inputs{"key": out.Device["key.5"], "which": which})
		if err != nil {
			log.Fatal(err)
		}
		cosine := res.Tensors["cosine"].Data
		fmt.Printf("scales %.2f, tail %.2f, water %.2f\n", cosine[scales], cosine[tail], cosine[water])
	}
	// Output:
	// scales 1.00, tail 0.89, water -0.36
	// scales -0.36, tail -0.37, water 1.00
}
