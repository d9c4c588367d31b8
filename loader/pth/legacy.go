package pth

import (
	"github.com/crate-vk/crate-vk/loader/quote"
)

const (
	// legacyMagic is 0x1950a86a20f9469cfc6c, which a file before PyTorch 1.6
	// starts with, as the first of its pickles.
	legacyMagic    = long("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
	legacyProtocol = int64(1001)
)

// loadLegacy reads a file that is a sequence: pickles of the magic number, the
// protocol, facts on the machine, the object, and the list of its storages' keys;
// then, in the order of that list, of each storage the number of its elements (8
// bytes) and the elements. Source: torch/serialization.py, _legacy_save.
func loadLegacy(d *disk) (any, error) {
	m := &machine{in: newInput(d, 0, d.size)}
	magic, err := m.run()
	if err != nil {
		return nil, err
	}
	if magic != legacyMagic {
		return nil, d.malformed("is a pickle without PyTorch's magic number: not a file of torch.save")
	}
	protocol, err := m.run()
	if err != nil {
		return nil, err
	}
	if p, ok := protocol.(int64); !ok || p != legacyProtocol {
		return nil, d.unsupported("PyTorch's protocol is %d, want %d", p, legacyProtocol)
	}
	facts, err := m.run()
	if err != nil {
		return nil, err
	}
	if err := littleEndian(d, facts); err != nil {
		return nil, err
	}
	known := storages{}
	m.load = func(id any) (*storage, error) {
		s, err := d.storageID(id, 6)
		if err != nil {
			return nil, err
		}
		s, _, err = known.add(d, s)
		return s, err
	}
	root, err := m.run()
	if err != nil {
		return nil, err
	}
	m.load = nil
	keys, err := m.run()
	if err != nil {
		return nil, err
	}
	return root, placeStorages(m.in, keys, known)
}

// littleEndian refuses a file of a big-endian machine.
func littleEndian(d *disk, facts any) error {
	if m, ok := facts.(*mapping); ok {
		for i := 0; i < len(m.pairs); i += 2 {
			if m.pairs[i] != "little_endian" {
				continue
			}
			if m.pairs[i+1] != true {
				return d.unsupported("the machine that wrote it wasn't little-endian")
			}
			return nil
		}
	}
	return d.malformed("doesn't say the byte order of the machine that wrote it")
}

// placeStorages finds the storages, which follow the pickles in the order of keys.
func placeStorages(in *input, keys any, known storages) error {
	d := in.disk
	list, ok := keys.(*sequence)
	if !ok || len(list.items) != len(known) {
		return d.malformed("the list of storages doesn't name the %d that are used", len(known))
	}
	at := in.pos()
	for _, k := range list.items {
		key, _ := k.(string)
		s, ok := known[key]
		if !ok || s.begin > 0 {
			return d.malformed("the list of storages names %s, which isn't used or was there before", quote.Name(key))
		}
		head := &input{disk: d, at: at, end: d.size, buf: make([]byte, 8)}
		n, err := head.number(8)
		if err != nil {
			return err
		}
		if n != uint64(s.count) {
			return d.malformed("storage %s has %d elements, want %d", quote.Name(key), n, s.count)
		}
		s.begin = at + 8
		if s.bytes() > d.size-s.begin {
			return d.malformed("storage %s: %d bytes are wanted, and %d are left: the file is truncated", quote.Name(key), s.bytes(), d.size-s.begin)
		}
		at = s.begin + s.bytes()
	}
	if at != d.size {
		return d.malformed("%d bytes follow the last storage", d.size-at)
	}
	return nil
}
