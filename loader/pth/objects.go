package pth

import (
	"github.com/crate-vk/crate-vk/loader/quote"
)

// global puts what a Python name stands for on the stack. A name that isn't on the
// list ends the reading here, whether or not the pickle goes on to call it.
func (m *machine) global(op byte) error {
	var module, name string
	if op == opStackGlobal {
		v, err := m.pop(2)
		if err != nil {
			return err
		}
		var ok, ok2 bool
		module, ok = v[0].(string)
		name, ok2 = v[1].(string)
		if !ok || !ok2 {
			return m.malformed("the name of a global isn't two strings")
		}
	} else {
		var err error
		if module, err = m.in.line(); err != nil {
			return err
		}
		if name, err = m.in.line(); err != nil {
			return err
		}
	}
	g, ok := find(module, name)
	if !ok {
		return &RefusedError{m.in.disk.path, module + "." + name}
	}
	if op == opInstance {
		return m.unsupported("an instance in the way of pickle protocol 0")
	}
	return m.push(g)
}

// object does the operations that in Python call a global, give an object its
// state, or fetch one from outside of the pickle.
func (m *machine) object(op byte) error {
	if op == opPersistent {
		id, err := m.pop(1)
		if err != nil {
			return err
		}
		if m.load == nil {
			return m.malformed("a storage is used where none can be")
		}
		s, err := m.load(id[0])
		if err != nil {
			return err
		}
		return m.push(s)
	}
	v, err := m.pop(2)
	if err != nil {
		return err
	}
	if op == opBuild {
		if err := m.build(v[0], v[1]); err != nil {
			return err
		}
		m.stack = m.stack[:len(m.stack)+1] // the object stays
		return nil
	}
	args, ok := v[1].(*sequence)
	if !ok || !args.tuple {
		return m.malformed("the arguments of a call aren't a tuple")
	}
	g, ok := v[0].(*global)
	if !ok {
		return m.malformed("what is called isn't a global")
	}
	made, err := m.call(g, args.items)
	if err != nil {
		return err
	}
	return m.push(made)
}

// build gives an object its state. A dictionary's own attributes (the _metadata of
// a state_dict) and what belongs to a value without content are dropped.
func (m *machine) build(object, state any) error {
	switch o := object.(type) {
	case inert:
		return nil
	case *mapping:
		if !o.object {
			return nil
		}
		s, ok := state.(*mapping)
		if !ok || s.object || len(o.pairs) > 0 {
			return m.malformed("the attributes of an object aren't one dictionary")
		}
		o.pairs = s.pairs
		return nil
	}
	return m.malformed("a state is given to what has none")
}

// call does what a global stands for.
func (m *machine) call(g *global, args []any) (any, error) {
	switch g.kind {
	case kindInert:
		return inert{}, nil
	case kindObject:
		return &mapping{object: true}, nil
	case kindDict:
		return m.dict(args)
	case kindSize:
		if len(args) == 1 {
			if s, ok := args[0].(*sequence); ok {
				return s, nil
			}
		}
		return nil, m.malformed("torch.Size of what isn't a sequence")
	case kindTensor:
		return m.tensor(args)
	case kindParameter:
		if len(args) > 0 {
			if t, ok := args[0].(*tensor); ok {
				return t, nil
			}
		}
		return nil, m.malformed("a parameter isn't made of a tensor")
	case kindTyped:
		if len(args) == 4 {
			f, ok := args[0].(*global)
			inner, ok2 := args[2].(*sequence)
			if ok && ok2 && (f.kind == kindTensor || f.kind == kindParameter) {
				return m.call(f, inner.items)
			}
		}
		return nil, m.malformed("a typed tensor isn't made of a tensor's function and its arguments")
	}
	return nil, m.malformed("a storage's class is called")
}

// dict makes a dictionary. Python 2 wrote an OrderedDict as a call with a list of
// pairs; a defaultdict's argument is its default.
func (m *machine) dict(args []any) (any, error) {
	d := &mapping{}
	if len(args) == 0 {
		return d, nil
	}
	switch from := args[0].(type) {
	case nil, *global, inert:
		return d, nil
	case *mapping:
		if err := m.charge(len(from.pairs)); err != nil {
			return nil, err
		}
		d.pairs = append(d.pairs, from.pairs...)
		return d, nil
	case *sequence:
		if err := m.charge(2 * len(from.items)); err != nil {
			return nil, err
		}
		for _, item := range from.items {
			pair, ok := item.(*sequence)
			if !ok || len(pair.items) != 2 {
				return nil, m.malformed("a dictionary is made of what aren't pairs")
			}
			d.pairs = append(d.pairs, pair.items...)
		}
		return d, nil
	}
	return nil, m.malformed("a dictionary is made of a %T", args[0])
}

// tensor takes the arguments of torch._utils._rebuild_tensor_v2: a storage, an
// offset, shape and strides; then, of no use here, gradient and hooks; then bits that
// ask for a conjugate or a negation, where one is set.
func (m *machine) tensor(args []any) (*tensor, error) {
	if len(args) < 4 {
		return nil, m.malformed("a tensor is made of %d values, want at least 4", len(args))
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 {
		return nil, m.malformed("a tensor isn't made of a storage and an offset")
	}
	if len(args) > 6 {
		if bits, ok := args[6].(*mapping); !ok || len(bits.pairs) > 0 {
			return nil, m.unsupported("a tensor whose numbers are to be conjugated or negated when it is read")
		}
	}
	t := &tensor{storage: s, offset: offset}
	for i, to := range []*[]int64{&t.shape, &t.strides} {
		list, ok := args[2+i].(*sequence)
		if !ok {
			return nil, m.malformed("a tensor's shape and strides aren't sequences")
		}
		if len(list.items) > maxRank {
			return nil, m.unsupported("a tensor of %d dimensions, want at most %d", len(list.items), maxRank)
		}
		if err := m.charge(len(list.items)); err != nil { // tensors can share one list
			return nil, err
		}
		*to = make([]int64, 0, len(list.items))
		for _, v := range list.items {
			n, ok := v.(int64)
			if !ok {
				return nil, m.malformed("a tensor's shape or strides aren't integers")
			}
			*to = append(*to, n)
		}
	}
	return t, nil
}

// storageID takes a persistent id apart: ("storage", class, key, location, count),
// with one value more in legacy files, which is None but for views of storages that
// no PyTorch since 0.4 makes.
func (d *disk) storageID(id any, length int) (*storage, error) {
	v, ok := id.(*sequence)
	if !ok || len(v.items) == 0 {
		return nil, d.malformed("a persistent id isn't a tuple")
	}
	if v.items[0] == "module" {
		return nil, d.unsupported("holds the source code of a module: want a state_dict")
	}
	if v.items[0] != "storage" || len(v.items) != length {
		return nil, d.malformed("a persistent id has %d values, want \"storage\" and %d more", len(v.items), length-1)
	}
	class, ok := v.items[1].(*global)
	key, ok2 := v.items[2].(string)
	count, ok3 := v.items[4].(int64)
	if !ok || class.kind != kindStorage || !ok2 || !ok3 {
		return nil, d.malformed("a persistent id isn't that of a storage")
	}
	if length > 5 && v.items[5] != nil {
		return nil, d.unsupported("storage %s: a view of a storage, as PyTorch before 0.4 wrote it", quote.Name(key))
	}
	if count < 0 || count > maxFile { // the format compares it with the file
		return nil, d.malformed("storage %s has %d elements", quote.Name(key), count)
	}
	return &storage{dtype: class.dtype, key: key, count: count}, nil
}

// bytes is the size of a storage in the file.
func (s *storage) bytes() int64 { return s.count * width(s.dtype) }

// storages are those that a pickle refers to, by key.
type storages map[string]*storage

// add returns the storage that is known by the key of s, which must be of the same
// type and size, or else adds s, and says that it is new.
func (known storages) add(d *disk, s *storage) (*storage, bool, error) {
	have, ok := known[s.key]
	if !ok {
		known[s.key] = s
		return s, true, nil
	}
	if have.dtype != s.dtype || have.count != s.count {
		return nil, false, d.malformed("storage %s is %d × %s and %d × %s", quote.Name(s.key), have.count, have.dtype, s.count, s.dtype)
	}
	return have, false, nil
}
