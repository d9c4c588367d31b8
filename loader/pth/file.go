package pth

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// Info describes one tensor.
type Info = weights.Info

// File is an open checkpoint. It reads through the descriptor that [Open] made, so
// that a file that is replaced or deleted afterwards stays one version until
// Close. Its methods are safe for concurrent use.
type File struct {
	disk     *disk
	infos    []Info
	tensors  []*tensor
	byName   map[string]int // index into both
	metadata map[string]string
}

// Open opens a checkpoint in either format of torch.save. It reads the pickle, and
// none of the tensors.
//
// Errors: [*RefusedError] for a Python name that isn't plain data,
// [*weights.FormatError], [*weights.UnsupportedError] (this covers what isn't a
// regular file, which is never waited on, TorchScript programs and files beyond
// this package's limits), [*fs.PathError].
func Open(path string) (*File, error) {
	d, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	f, err := newFile(d)
	if err != nil {
		d.src.Close()
		return nil, err
	}
	return f, nil
}

func newFile(d *disk) (*File, error) {
	root, err := load(d)
	if err != nil {
		return nil, err
	}
	f := &File{disk: d, byName: map[string]int{}, metadata: map[string]string{}}
	w := walker{file: f, open: map[any]struct{}{}}
	if err := w.visit(root, 0, true); err != nil {
		return nil, err
	}
	return f, d.unchanged()
}

// load runs the file's pickles and returns what torch.load would.
func load(d *disk) (any, error) {
	if d.size > maxFile {
		return nil, d.unsupported("has %d bytes, want at most %d", d.size, int64(maxFile))
	}
	var start [512]byte
	head := start[:min(d.size, int64(len(start)))]
	if err := d.readAt(head, 0); err != nil {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, d.malformed("is empty")
	case len(head) >= 4 && string(head[:4]) == localMagic:
		a, err := openArchive(d)
		if err != nil {
			return nil, err
		}
		return a.load()
	case len(head) > 0 && head[0] == opProtocol:
		return loadLegacy(d)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return nil, d.unsupported("is a tar archive, which PyTorch wrote before version 0.1.10")
	}
	return nil, d.malformed("starts with %q: neither a zip archive nor a pickle, which files of torch.save are", head[:min(len(head), 8)])
}

// Path returns the path that was given to Open.
func (f *File) Path() string { return f.disk.path }

// Size returns the number of bytes of the file.
func (f *File) Size() int64 { return f.disk.size }

// Tensors lists the tensors in the order of the file's dictionaries. A name is the
// path of keys from the root, joined by dots; elements of lists have their index.
// So {"model": {"cls_token": T}} has "model.cls_token", and a file that is nothing
// but a tensor has "". Tensors of integers are listed too.
func (f *File) Tensors() []Info {
	return append([]Info(nil), f.infos...)
}

// Lookup returns the tensor of that name.
func (f *File) Lookup(name string) (Info, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Info{}, false
	}
	return f.infos[i], true
}

// Metadata returns a copy of the numbers, strings and truth values that lie beside
// the tensors, as text: {"epoch": 3, "args": Namespace(arch="crate_tiny")} gives
// "epoch": "3" and "args.arch": "crate_tiny". It serves a person's information:
// elements of lists, long texts, and values after the first 1,024 are left out.
// Keys and values are the file's, control characters too.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Close closes the file. Reads that are under way may fail with fs.ErrClosed.
// Closing twice is harmless.
func (f *File) Close() error {
	if err := f.disk.src.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

func (f *File) find(name string) (int, error) {
	i, ok := f.byName[name]
	if !ok {
		return 0, fmt.Errorf("%s: tensor %s: %w", quote.Path(f.disk.path), quote.Name(name), fs.ErrNotExist)
	}
	return i, nil
}
