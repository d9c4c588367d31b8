package measure_test

import (
	"context"
	"fmt"
	"log"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
)

// Kernel shapes measured for a model, stored in the cache folder. Engines that
// are opened with that folder later use them.
func ExampleTune() {
	ctx := context.Background()
	eng, err := engine.Open(ctx, engine.WithCache("cache"))
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	source, err := engine.Preset("crate-s16")
	if err != nil {
		log.Fatal(err)
	}
	model, err := eng.Load(ctx, source)
	if err != nil {
		log.Fatal(err)
	}
	rows, err := measure.Tune(ctx, model, measure.TuneOptions{Requests: []engine.Request{{Outputs: []string{"logits"}, Height: 224, Width: 224, Batch: 1}}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range rows {
		fmt.Println(r.Kind, r.Chosen, r.Gain)
	}
}
