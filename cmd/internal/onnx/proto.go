package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto, for the messages that are written here.
const (
	modelIRVersion   = 1
	modelProducer    = 2
	modelProducerVer = 3
	modelDoc         = 6
	modelGraph       = 7
	modelOpset       = 8

	opsetDomain  = 1
	opsetVersion = 2

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeOpType    = 4
	nodeAttribute = 5

	attributeName   = 1
	attributeFloat  = 2
	attributeInt    = 3
	attributeInts   = 8
	attributeType   = 20
	attributeFLOAT  = 1 // values of attributeType
	attributeINT    = 2
	attributeINTS   = 7
	tensorDims      = 1
	tensorType      = 2
	tensorName      = 8
	tensorRaw       = 9
	typeFloat       = 1 // values of tensorType
	typeUint8       = 2
	typeInt64       = 7
	valueName       = 1
	valueType       = 2
	typeTensor      = 1
	tensorTypeElem  = 1
	tensorTypeShape = 2
	shapeDim        = 1
	dimValue        = 1
)

// The versions that are written: opset 17 is the first with LayerNormalization.
const (
	irVersion = 8
	opset     = 17
)

func putInt(b []byte, field protowire.Number, x int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(x))
}

func putString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func putMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

// attr is an attribute of a node: an int, a list of ints or a float.
type attr struct {
	name  string
	value any
}

func (a attr) encode() []byte {
	b := putString(nil, attributeName, a.name)
	switch x := a.value.(type) {
	case int:
		b = putInt(putInt(b, attributeInt, int64(x)), attributeType, attributeINT)
	case []int:
		for _, i := range x {
			b = putInt(b, attributeInts, int64(i))
		}
		b = putInt(b, attributeType, attributeINTS)
	case float64:
		b = protowire.AppendFixed32(protowire.AppendTag(b, attributeFloat, protowire.Fixed32Type), math.Float32bits(float32(x)))
		b = putInt(b, attributeType, attributeFLOAT)
	default:
		panic("onnx: an attribute is an int, a list of ints or a float64")
	}
	return b
}

func encodeNode(op, name string, inputs, outputs []string, attrs []attr) []byte {
	var b []byte
	for _, s := range inputs {
		b = putString(b, nodeInput, s)
	}
	for _, s := range outputs {
		b = putString(b, nodeOutput, s)
	}
	b = putString(putString(b, nodeName, name), nodeOpType, op)
	for _, a := range attrs {
		b = putMessage(b, nodeAttribute, a.encode())
	}
	return b
}

func encodeTensor(name string, dtype int64, dims []int, raw []byte) []byte {
	b := make([]byte, 0, len(raw)+len(name)+64)
	for _, d := range dims {
		b = putInt(b, tensorDims, int64(d))
	}
	b = putString(putInt(b, tensorType, dtype), tensorName, name)
	return putMessage(b, tensorRaw, raw)
}

// encodeValueInfo is an input or output with its type and fixed shape.
func encodeValueInfo(name string, dtype int64, dims []int) []byte {
	var shape []byte
	for _, d := range dims {
		shape = putMessage(shape, shapeDim, putInt(nil, dimValue, int64(d)))
	}
	tensor := putMessage(putInt(nil, tensorTypeElem, dtype), tensorTypeShape, shape)
	return putMessage(putString(nil, valueName, name), valueType, putMessage(nil, typeTensor, tensor))
}

func floatBytes(x []float64) []byte {
	raw := make([]byte, 0, 4*len(x))
	for _, f := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(f)))
	}
	return raw
}

func intBytes(x []int) []byte {
	raw := make([]byte, 0, 8*len(x))
	for _, i := range x {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(i))
	}
	return raw
}
