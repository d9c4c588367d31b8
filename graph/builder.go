package graph

// Builder makes a graph and remembers the first error, so that a model reads
// as a list of layers. After an error every further value is nil.
type Builder struct {
	g   *Graph
	err error
}

// NewBuilder starts a graph.
func NewBuilder(name string) *Builder { return &Builder{g: &Graph{Name: name}} }

// Input declares what the caller provides at each run.
func (b *Builder) Input(name string, t Type) *Value {
	return b.Source(OpInput, t, Attrs{"name": name})
}

// Param declares a tensor of the weight file.
func (b *Builder) Param(name string, t Type) *Value {
	return b.Source(OpParam, t, Attrs{"name": name})
}

// Source appends a value without arguments, whose type is declared.
func (b *Builder) Source(op Op, t Type, attrs Attrs) *Value {
	if b.err != nil {
		return nil
	}
	v, err := b.g.Source(op, t, attrs)
	b.err = err
	return v
}

// Do appends an operation.
func (b *Builder) Do(op Op, attrs Attrs, args ...*Value) *Value {
	if b.err != nil {
		return nil
	}
	v, err := b.g.New(op, attrs, args...)
	b.err = err
	return v
}

// Output names a value that will be read.
func (b *Builder) Output(name string, v *Value) {
	if b.err == nil {
		b.g.Outputs = append(b.g.Outputs, Output{name, v})
	}
}

// Fail records an error of the caller's, unless there is one already.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Graph is the finished graph, checked, or the first error. Values that no
// output needs are still in it: the pass dead-code takes them out.
func (b *Builder) Graph() (*Graph, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.g, Check(b.g)
}
