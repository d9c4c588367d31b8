package graph

import "fmt"

// ShapeError is an argument whose shape does not fit: "graph: v12 ista:
// dictionary is [384 1536], want [384 384]".
type ShapeError struct {
	Value *Value
	Arg   string
	Got   Shape
	Want  string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("graph: %v: %s is %v, want %s", e.Value, e.Arg, e.Got, e.Want)
}

// AttrError is an attribute that is missing, unknown or out of range.
type AttrError struct {
	Value *Value
	Attr  string
	Fact  string
}

func (e *AttrError) Error() string {
	return fmt.Sprintf("graph: %v: attribute %s %s", e.Value, e.Attr, e.Fact)
}

// ArgError is an argument that is missing or stands after its user.
type ArgError struct {
	Value *Value
	Fact  string
}

func (e *ArgError) Error() string { return fmt.Sprintf("graph: %v: %s", e.Value, e.Fact) }

// ParseError is a line of text that is no graph.
type ParseError struct {
	Line int
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("graph: line %d: %v", e.Line, e.Err) }
func (e *ParseError) Unwrap() error { return e.Err }
