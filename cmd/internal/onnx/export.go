package onnx

import (
	"context"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// maxBytes is what one protobuf message may hold.
const maxBytes = math.MaxInt32

// Options of Write.
type Options struct {
	Version string // of the program that writes, for the model's header
	Doc     string // one line about the model
}

// Write writes g as an ONNX model. Params reads a weight by its name, in
// float64. A graph with an op that no ONNX operators stand for is an error.
func Write(ctx context.Context, w io.Writer, g *graph.Graph, params func(name string) ([]float64, error), opt Options) error {
	if err := graph.Check(g); err != nil {
		return err
	}
	e := &exporter{ctx: ctx, static: g.Static(), names: map[*graph.Value]string{}, known: map[string]bool{},
		params: func(name string, _ graph.Type) ([]float64, error) { return params(name) }}
	live := g.Live()
	for _, v := range g.Values {
		if e.static[v] || !live[v] {
			continue
		}
		e.now, e.count = v, 0
		e.names[v] = e.lower(v)
		if e.err != nil {
			return e.err
		}
	}
	for _, o := range g.Outputs {
		if err := e.output(o); err != nil {
			return err
		}
	}
	body := putString(e.body, graphName, g.Name)
	if len(body) > maxBytes {
		return fmt.Errorf("onnx: the model has %d MB, and a file of this format at most %d", len(body)>>20, maxBytes>>20)
	}
	set := putInt(putString(nil, opsetDomain, ""), opsetVersion, opset)
	head := putInt(nil, modelIRVersion, irVersion)
	head = putString(putString(head, modelProducer, "crate-vk"), modelProducerVer, opt.Version)
	if opt.Doc != "" {
		head = putString(head, modelDoc, opt.Doc)
	}
	head = putMessage(head, modelOpset, set)
	head = protowire.AppendVarint(protowire.AppendTag(head, modelGraph, protowire.BytesType), uint64(len(body)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// exporter collects the fields of a GraphProto: nodes in the order of the
// graph, and a weight or constant when it is first used. The first error stays.
type exporter struct {
	ctx    context.Context
	params interp.Params
	static map[*graph.Value]bool
	names  map[*graph.Value]string // of dynamic values
	known  map[string]bool         // initializers that are written
	body   []byte
	now    *graph.Value // is being lowered
	count  int          // of its nodes
	err    error
}

func (e *exporter) fail(err error) string {
	if e.err == nil {
		e.err = err
	}
	return ""
}

// do appends a node with one result, whose name it returns.
func (e *exporter) do(op string, attrs []attr, inputs ...string) string {
	return e.doMany(op, attrs, 1, inputs...)[0]
}

// doMany appends a node with several results.
func (e *exporter) doMany(op string, attrs []attr, results int, inputs ...string) []string {
	name := fmt.Sprintf("v%d.%d", e.now.ID, e.count)
	e.count++
	outputs := make([]string, results)
	for i := range outputs {
		outputs[i] = name
		if i > 0 {
			outputs[i] = fmt.Sprintf("%s.%d", name, i)
		}
	}
	e.body = putMessage(e.body, graphNode, encodeNode(op, name, inputs, outputs, attrs))
	return outputs
}

// value is the name of a value: a weight is written when it is first asked for.
func (e *exporter) value(v *graph.Value) string {
	if !e.static[v] {
		return e.names[v]
	}
	return e.initializer(fmt.Sprintf("v%d", v.ID), v.Shape().Sizes(), func() ([]float64, error) { return e.weight(v) })
}

// transposed is the transpose of a matrix: made now, if it is a weight.
func (e *exporter) transposed(v *graph.Value) string {
	if !e.static[v] {
		return e.do("Transpose", []attr{{"perm", []int{1, 0}}}, e.names[v])
	}
	rows, columns := v.Shape()[0].Size, v.Shape()[1].Size
	return e.initializer(fmt.Sprintf("v%d.t", v.ID), []int{columns, rows}, func() ([]float64, error) {
		w, err := e.weight(v)
		if err != nil {
			return nil, err
		}
		t := make([]float64, len(w))
		for i := range rows {
			for j := range columns {
				t[j*rows+i] = w[i*columns+j]
			}
		}
		return t, nil
	})
}

func (e *exporter) weight(v *graph.Value) ([]float64, error) {
	t, err := interp.Static(e.ctx, v, e.params)
	if err != nil {
		return nil, err
	}
	return t.Data, nil
}

// initializer writes a float tensor, once a name.
func (e *exporter) initializer(name string, dims []int, data func() ([]float64, error)) string {
	if !e.known[name] && e.err == nil {
		e.known[name] = true
		x, err := data()
		if err != nil {
			return e.fail(err)
		}
		e.body = putMessage(e.body, graphInitializer, encodeTensor(name, typeFloat, dims, floatBytes(x)))
	}
	return name
}

// scalar is a constant.
func (e *exporter) scalar(x float64) string {
	return e.initializer(fmt.Sprintf("c%v", float32(x)), []int{}, func() ([]float64, error) { return []float64{x}, nil })
}

// vector is a short constant vector.
func (e *exporter) vector(x ...float64) string {
	return e.initializer(fmt.Sprintf("c%v", x), []int{len(x)}, func() ([]float64, error) { return x, nil })
}

// ones is a vector of n ones, which LayerNormalization wants for its gain.
func (e *exporter) ones(n int) string {
	return e.initializer(fmt.Sprintf("ones%d", n), []int{n}, func() ([]float64, error) {
		x := make([]float64, n)
		for i := range x {
			x[i] = 1
		}
		return x, nil
	})
}

// ints is a constant list of integers, as shapes and ranges are given.
func (e *exporter) ints(x ...int) string {
	name := fmt.Sprintf("i%v", x)
	if !e.known[name] {
		e.known[name] = true
		e.body = putMessage(e.body, graphInitializer, encodeTensor(name, typeInt64, []int{len(x)}, intBytes(x)))
	}
	return name
}

// index is a constant integer without axes.
func (e *exporter) index(x int) string {
	name := fmt.Sprintf("i%d", x)
	if !e.known[name] {
		e.known[name] = true
		e.body = putMessage(e.body, graphInitializer, encodeTensor(name, typeInt64, nil, intBytes([]int{x})))
	}
	return name
}

// input declares an input of the graph.
func (e *exporter) input(v *graph.Value) string {
	dtype, err := elemType(v)
	if err != nil {
		return e.fail(err)
	}
	name := v.Str("name")
	e.body = putMessage(e.body, graphInput, encodeValueInfo(name, dtype, v.Shape().Sizes()))
	return name
}

// output declares an output and gives the value its name.
func (e *exporter) output(o graph.Output) error {
	dtype, err := elemType(o.Value)
	if err != nil {
		return err
	}
	e.now = o.Value
	node := encodeNode("Identity", o.Name, []string{e.value(o.Value)}, []string{o.Name}, nil)
	e.body = putMessage(e.body, graphNode, node)
	e.body = putMessage(e.body, graphOutput, encodeValueInfo(o.Name, dtype, o.Value.Shape().Sizes()))
	return e.err
}

func elemType(v *graph.Value) (int64, error) {
	switch v.Type.DType {
	case graph.F32:
		return typeFloat, nil
	case graph.U8:
		return typeUint8, nil
	}
	return 0, fmt.Errorf("onnx: %v has elements of type %s, want f32 or u8", v, v.Type.DType)
}
