package engine_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/graph"
)

// advice says what a service does about an error.
func advice(err error) string {
	var (
		model  *engine.ModelError
		graph  *engine.GraphError
		kernel *engine.KernelError
		finite *engine.NotFiniteError
		panics *engine.PanicError
	)
	switch {
	case err == nil:
		return "go on"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "nobody waits for it any more"
	case errors.As(err, &panics): // first: it may be inside the next ones
		return fmt.Sprintf("a bug in code that was handed in: %v", panics.Value)
	case errors.Is(err, engine.ErrBusy):
		return "answer 503, with Retry-After"
	case errors.Is(err, engine.ErrOutOfMemory):
		return "a smaller size or model, or more of WithMemory"
	case errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrModelClosed),
		errors.Is(err, engine.ErrProgramClosed), errors.Is(err, engine.ErrTensorClosed):
		return "it was closed: a bug, or the end of the service"
	case errors.Is(err, engine.ErrDeviceLost), errors.Is(err, engine.ErrLostWork):
		return "the device failed twice: open an engine anew, or end"
	case errors.As(err, &finite):
		return finite.Tensor + " overflows: look at " + finite.Cause
	case errors.Is(err, engine.ErrNoDevice):
		return "no driver or no GPU: the text says which"
	case errors.Is(err, engine.ErrImage):
		return "this image is no image"
	case errors.Is(err, engine.ErrConflict):
		return "another engine of this process has other validation layers or driver settings"
	case errors.As(err, &model):
		return "another model than " + model.Path
	case errors.As(err, &graph):
		return "another graph than " + graph.Name
	case errors.As(err, &kernel):
		return "the driver miscompiles " + kernel.Kernel + ": report it, or take another device"
	}
	return "options that make no sense"
}

// What may go wrong, and what to do about it.
func Example_errors() {
	ctx := context.Background()
	eng, model := open()
	_, err := model.Segment(ctx, (*image.Gray)(nil)) // whose methods panic
	text, _, _ := strings.Cut(advice(err), ": runtime")
	fmt.Println(text)
	_, err = engine.OpenModel("../go.mod", engine.ModelOptions{})
	fmt.Println(advice(err))
	_, err = engine.Open(ctx, engine.WithDevice("a GPU of the year 2040"))
	fmt.Println(advice(err))
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err = model.Segment(ctx, decode(samples+"01-fish.png"))
	fmt.Println(advice(err))
	if err := model.Close(); err != nil {
		log.Fatal(err)
	}
	_, err = model.Segment(context.Background(), decode(samples+"01-fish.png"))
	fmt.Println(advice(err))
	if err := eng.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// a bug in code that was handed in
	// another model than ../go.mod
	// no driver or no GPU: the text says which
	// nobody waits for it any more
	// it was closed: a bug, or the end of the service
}

// The options of an engine.
func ExampleOpen() {
	eng, err := engine.Open(context.Background(),
		engine.WithDevice(engine.Interpreter),  // "auto", a part of a GPU's name, …
		engine.WithPrecision(engine.FP32),      // or FP16, half the memory
		engine.WithMemory(2<<30),               // bytes of the device, for all models
		engine.WithPrograms(8),                 // compiled sizes and batches that are kept
		engine.WithThreads(2),                  // for decoding and finishing
		engine.WithPixelLimit(50_000_000),      // of an image
		engine.WithCache("/var/cache/service"), // of compiled kernels
	)
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	var device engine.DeviceInfo = eng.Device()
	fmt.Println(device.Name, device.Type, device.Validation)
	// Output: interpreter reference false
}

// Half precision where the device has it; validation layers in a debug build.
func ExampleWithPrecision() {
	const debug = false
	for _, p := range []engine.Precision{engine.FP16, engine.FP32} {
		opts := []engine.Option{engine.WithPrecision(p)}
		if debug {
			opts = append(opts, engine.WithValidation())
		}
		eng, err := engine.Open(context.Background(), opts...)
		if errors.Is(err, engine.ErrNoDevice) {
			continue
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println("running at", p)
		eng.Close()
		return
	}
}

// gather runs any read-out and keeps the values of the images that did not fail.
func gather[T any](ctx context.Context, m *engine.Model, r engine.Readout[T], inputs []engine.Input) ([]T, error) {
	var list []T
	if r.Joint() { // nothing comes before the last image was read
		list = make([]T, 0, len(inputs))
	}
	var last engine.Item[T]
	for item, err := range r.Stream(ctx, m, slices.Values(inputs)) {
		if err != nil {
			return list, err
		}
		if last = item; last.Err == nil {
			list = append(list, item.Value)
		}
	}
	return list, ctx.Err()
}

// Functions of one's own over any read-out.
func ExampleReadout_Stream() {
	eng, model := open()
	defer eng.Close()
	inputs := []engine.Input{{Image: decode(samples + "01-fish.png")}, {Image: nil}}
	masks, err := gather(context.Background(), model, engine.MaskCut(engine.MaskCutOptions{}), inputs)
	if err != nil {
		log.Fatal(err)
	}
	measures, err := gather(context.Background(), model, engine.Analyze(engine.AnalyzeOptions{}), inputs)
	if err != nil {
		log.Fatal(err)
	}
	var first engine.LayerMeasures = measures[0]
	fmt.Println(len(masks), "image with masks;", len(first.Rates), "layers with rates")
	// Output: 1 image with masks; 6 layers with rates
}

// Compile ahead of time, so that the first images don't wait.
func ExampleModel_Prepare() {
	eng, model := open()
	defer eng.Close()
	var pool engine.Pool = engine.PoolClass
	warm := []engine.AnyReadout{
		engine.Attention(engine.AttentionOptions{Finish: engine.Finish{Refine: engine.RefineCRF}}),
		engine.Embed(engine.EmbedOptions{Pool: pool, InputOptions: engine.InputOptions{Size: engine.Size{Width: 64, Height: 64}}}),
	}
	err := model.Prepare(context.Background(), engine.PrepareOptions{Batches: []int{1}, Progress: func(done, total int, what string) {
		fmt.Println(done, "of", total, what)
	}}, warm...)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0 of 2 [cls_attention.4 cls_attention.5] of 1 × 128×128 px
	// 1 of 2 [embedding.class] of 1 × 64×64 px
	// 2 of 2
}

// The same image by several refinements, and several images in one call.
func ExampleModel_SegmentBatch() {
	eng, model := open()
	defer eng.Close()
	imgs := []image.Image{decode(samples + "01-fish.png"), decode(samples + "01-fish.png")}
	for _, how := range []engine.Refine{"", engine.RefineGuided} {
		list, err := model.SegmentBatch(context.Background(), imgs, engine.AttentionOptions{Finish: engine.Finish{Refine: how}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(list), list[0].Objects[0].Mask.Area() == list[1].Objects[0].Mask.Area())
	}
	// Output:
	// 2 true
	// 2 true
}

// mean makes a program that averages its input over the second axis.
func mean(ctx context.Context, eng *engine.Engine) (*engine.Program, error) {
	b := graph.NewBuilder("mean")
	x := b.Input("x", graph.F32Type("B", 1, "N", 3, "C", 4))
	b.Output("mean", b.Do(graph.OpMeanRows, graph.Attrs{"first": 0}, x))
	g, err := b.Graph()
	if err != nil {
		return nil, err
	}
	return eng.Compile(ctx, g, nil, engine.CompileOptions{Keep: []string{"mean"}})
}

// What a program wants and gives, and how an output is read that stayed on the device.
func ExampleProgram() {
	ctx := context.Background()
	eng, _ := open()
	defer eng.Close()
	p, err := mean(ctx, eng)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	for _, port := range append(p.Inputs(), p.Outputs()...) {
		var q engine.Port = port
		fmt.Println(q.Name, q.Type)
	}
	var out *engine.Outputs
	if out, err = p.Run(ctx, engine.Inputs{"x": []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}); err != nil {
		log.Fatal(err)
	}
	var kept *engine.DeviceTensor = out.Device["mean"]
	defer kept.Close()
	var values *engine.Tensor
	if values, err = kept.Read(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(values.Data, kept.Type(), kept.Bytes())
	// Output:
	// x f32[B:1 N:3 C:4]
	// mean f32[B:1 C:4]
	// [5 6 7 8] f32[B:1 C:4] 0
}

// Counters of what happens on the device.
func ExampleWithEvents() {
	images := map[engine.EventKind]int{}
	eng, err := engine.Open(context.Background(), engine.WithDevice(engine.Interpreter), engine.WithEvents(func(e engine.Event) {
		images[e.Kind] += max(e.Images, 1)
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	c, err := crate.Preset("crate-t16")
	if err != nil {
		log.Fatal(err)
	}
	c.ImageSize, c.Depth = [2]int{32, 32}, 1
	model, err := eng.Load(context.Background(), engine.NewModelSource("small", c, "", c.RandomParams(1)))
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		if _, err := model.Features(context.Background(), decode(samples+"01-fish.png")); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(images[engine.Compiled], "program,", images[engine.Queued], "queued,", images[engine.Computed], "computed")
	// Output: 1 program, 3 queued, 3 computed
}
