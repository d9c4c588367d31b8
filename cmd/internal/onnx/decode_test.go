package onnx_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a decoded protobuf message: the values of each field, in order.
type message map[protowire.Number][]any

func decode(t *testing.T, b []byte) message {
	t.Helper()
	m := message{}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var x any
		switch kind {
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			x, n = protowire.ConsumeFixed32(b)
		case protowire.BytesType:
			x, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("field %d has wire type %d", field, kind)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m[field], b = append(m[field], x), b[n:]
	}
	return m
}

func (m message) int(field protowire.Number) int {
	if len(m[field]) == 0 {
		return 0
	}
	return int(m[field][0].(uint64))
}

func (m message) ints(field protowire.Number) (list []int) {
	for _, x := range m[field] {
		list = append(list, int(x.(uint64)))
	}
	return list
}

func (m message) string(field protowire.Number) string {
	if len(m[field]) == 0 {
		return ""
	}
	return string(m[field][0].([]byte))
}

func (m message) strings(field protowire.Number) (list []string) {
	for _, x := range m[field] {
		list = append(list, string(x.([]byte)))
	}
	return list
}

func (m message) messages(t *testing.T, field protowire.Number) (list []message) {
	for _, x := range m[field] {
		list = append(list, decode(t, x.([]byte)))
	}
	return list
}

// valueType is the type of a ValueInfoProto as text: elem[sizes].
func valueType(t *testing.T, info message) string {
	tensor := info.messages(t, 2)[0].messages(t, 1)[0]
	sizes := []int{}
	for _, shape := range tensor.messages(t, 2) {
		for _, dim := range shape.messages(t, 1) {
			sizes = append(sizes, dim.int(1))
		}
	}
	return fmt.Sprintf("%d%v", tensor.int(1), sizes)
}
