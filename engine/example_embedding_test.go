package engine_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/engine"
)

// Pictures that come one by one, and nobody knows when.
func ExampleReceive() {
	eng, model := open()
	defer eng.Close()
	ctx := context.Background()
	frames := make(chan engine.Input)
	go func() { // a camera
		defer close(frames)
		for _, name := range []string{"01-fish.png", "07-mug.gif"} {
			select {
			case frames <- engine.Input{Name: name, Image: decode(samples + name)}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for item, err := range engine.Classify(engine.ClassifyOptions{Top: 1}).Stream(ctx, model, engine.Receive(frames)) {
		if err != nil {
			log.Fatal(err)
		}
		if item.Err != nil {
			log.Fatal(item.Err)
		}
		fmt.Println(item.Input.Name, item.Value[0].Name)
	}
	// Output:
	// 01-fish.png fish
	// 07-mug.gif mug
}

// Calls of several goroutines share batches.
func ExampleBatcher() {
	eng, model := open()
	defer eng.Close()
	batcher, err := engine.NewBatcher(model, engine.Classify(engine.ClassifyOptions{Top: 1}), engine.BatcherOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer batcher.Close()
	pictures := []image.Image{decode(samples + "01-fish.png"), decode(samples + "07-mug.gif")}
	found := make([]string, len(pictures))
	var wg sync.WaitGroup
	for i, img := range pictures {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			classes, err := batcher.Do(ctx, img)
			if err != nil {
				log.Fatal(err)
			}
			found[i] = classes[0].Name
		})
	}
	wg.Wait()
	fmt.Println(found)
	// Output:
	// [fish mug]
}

// A call returns when its context ends, whatever the device is at.
func ExampleReadout_One() {
	eng, model := open()
	defer eng.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
	defer cancel()
	_, err := engine.MaskCut(engine.MaskCutOptions{}).One(ctx, model, decode(samples+"01-fish.png"))
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// true
}

// Weights that the program has: here those of another model, of which one is no
// number. Load reads and checks all of them.
func ExampleNewModelSource() {
	eng, model := open()
	defer eng.Close()
	params := model.Source().Params()
	source := engine.NewModelSource("mine", model.Config(), "", func(name string) ([]float64, error) {
		values, err := params(name)
		if err == nil && name == "norm.weight" {
			values[0] /= 0 * values[0]
		}
		return values, err
	})
	_, err := eng.Load(context.Background(), source)
	var refused *engine.ModelError
	fmt.Println(errors.As(err, &refused), err)
}
