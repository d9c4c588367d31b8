package pth

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// archive is the directory of a zip file. Only what torch.save writes is read:
// one disk, no comment, nothing behind the end record or between it and the
// directory, entries stored. So a file has one directory, and the directory one
// meaning. Source: PKWARE's APPNOTE.TXT 6.3.
type archive struct {
	disk    *disk
	begin   int64 // of the directory: the entries lie before it
	entries map[string]member
	used    []extent
}

// member is what the directory says of an entry.
type member struct {
	header        int64 // where the local header starts
	packed, size  int64
	method, flags uint16
}

// extent is a part of the file that an entry takes.
type extent struct {
	begin, end int64
	name       string
}

const (
	endSize, end64Size, locatorSize        = 22, 56, 20
	endMagic, end64Magic, locatorMagic     = "PK\x05\x06", "PK\x06\x06", "PK\x06\x07"
	centralSize, centralMagic              = 46, "PK\x01\x02"
	localSize, localMagic                  = 30, "PK\x03\x04"
	flagEncrypted                          = 1 << 0
	flagDescriptor                         = 1 << 3 // sizes follow the data
	saturated16, saturated32               = 1<<16 - 1, 1<<32 - 1
	zip64Field                         int = 1
)

func openArchive(d *disk) (*archive, error) {
	a := &archive{disk: d, entries: map[string]member{}}
	size, count, err := a.end()
	if err != nil {
		return nil, err
	}
	if count > maxEntries || size > maxDirectory {
		return nil, d.unsupported("the zip directory has %d entries in %d bytes, want at most %d in %d", count, size, maxEntries, maxDirectory)
	}
	in := newInput(d, a.begin, int64(size))
	for range count {
		if err := a.entry(in); err != nil {
			return nil, err
		}
	}
	if in.left() > 0 {
		return nil, d.malformed("the zip directory has %d bytes after its %d entries", in.left(), count)
	}
	return a, nil
}

// end reads the end record, and the 64-bit one where there is one. It sets
// a.begin and returns the directory's size and number of entries.
func (a *archive) end() (size, count uint64, err error) {
	d, le := a.disk, binary.LittleEndian
	if d.size < endSize {
		return 0, 0, d.malformed("is a zip archive cut off after %d bytes", d.size)
	}
	var tail [locatorSize + endSize]byte
	at := max(0, d.size-int64(len(tail)))
	if err := d.readAt(tail[int64(len(tail))-(d.size-at):], at); err != nil {
		return 0, 0, err
	}
	locator, e := tail[:locatorSize], tail[locatorSize:]
	if string(e[:4]) != endMagic || le.Uint16(e[20:]) != 0 {
		return 0, 0, d.malformed("is a zip archive that doesn't end with its directory: it is truncated, or something follows")
	}
	end := d.size - endSize
	count, size = uint64(le.Uint16(e[10:])), uint64(le.Uint32(e[12:]))
	begin := uint64(le.Uint32(e[16:]))
	if le.Uint16(e[4:]) != 0 || le.Uint16(e[6:]) != 0 || uint64(le.Uint16(e[8:])) != count {
		return 0, 0, d.unsupported("is a zip archive of several disks")
	}
	if string(locator[:4]) == locatorMagic {
		end -= locatorSize + end64Size
		var r [end64Size]byte
		if end < 0 || le.Uint64(locator[8:]) != uint64(end) {
			return 0, 0, d.malformed("the zip archive's 64-bit end record isn't where its locator says")
		}
		if err := d.readAt(r[:], end); err != nil {
			return 0, 0, err
		}
		count64, size64, begin64 := le.Uint64(r[32:]), le.Uint64(r[40:]), le.Uint64(r[48:])
		if string(r[:4]) != end64Magic || le.Uint64(r[4:]) != end64Size-12 || le.Uint64(r[24:]) != count64 ||
			count != count64 && count != saturated16 || size != size64 && size != saturated32 || begin != begin64 && begin != saturated32 {
			return 0, 0, d.malformed("the zip archive's two end records disagree")
		}
		count, size, begin = count64, size64, begin64
	}
	if begin > uint64(end) || size != uint64(end)-begin {
		return 0, 0, d.malformed("the zip directory (%d bytes from byte %d) doesn't end where the end record starts, at byte %d", size, begin, end)
	}
	a.begin = int64(begin)
	return size, count, nil
}

// entry reads one entry of the directory.
func (a *archive) entry(in *input) error {
	at := in.pos()
	var h [centralSize]byte
	fixed := h[:0]
	if err := in.each(centralSize, func(p []byte) { fixed = append(fixed, p...) }); err != nil {
		return err
	}
	le := binary.LittleEndian
	if string(h[:4]) != centralMagic || le.Uint16(h[34:]) != 0 {
		return a.disk.malformed("byte %d: want an entry of the zip directory", at)
	}
	name, err := in.text(uint64(le.Uint16(h[28:])))
	if err != nil {
		return err
	}
	extra, err := in.text(uint64(le.Uint16(h[30:])))
	if err != nil {
		return err
	}
	if err := in.skip(uint64(le.Uint16(h[32:]))); err != nil { // a comment
		return err
	}
	size, packed, header, ok := wide([]byte(extra), uint64(le.Uint32(h[24:])), uint64(le.Uint32(h[20:])), uint64(le.Uint32(h[42:])))
	if !ok || header > uint64(a.begin) || packed > uint64(a.begin)-header || size > 1<<62 {
		return a.disk.malformed("zip entry %s: %d bytes from byte %d lie beyond the directory's start, byte %d", quote.Name(name), packed, header, a.begin)
	}
	if _, twice := a.entries[name]; twice {
		return a.disk.malformed("zip entry %s appears twice", quote.Name(name))
	}
	a.entries[name] = member{int64(header), int64(packed), int64(size), le.Uint16(h[10:]), le.Uint16(h[8:])}
	return nil
}

// wide takes those of the three numbers that don't fit 32 bits from the extra
// field of the 64-bit format, which has just those, in this order.
func wide(extra []byte, size, packed, header uint64) (_, _, _ uint64, ok bool) {
	le := binary.LittleEndian
	var field []byte
	for len(extra) >= 4 {
		n := int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return 0, 0, 0, false
		}
		if int(le.Uint16(extra)) == zip64Field {
			field = extra[4 : 4+n]
			break
		}
		extra = extra[4+n:]
	}
	for _, v := range []*uint64{&size, &packed, &header} {
		if *v != saturated32 {
			continue
		}
		if len(field) < 8 {
			return 0, 0, 0, false
		}
		*v = le.Uint64(field)
		field = field[8:]
	}
	return size, packed, header, true
}

// find returns the bytes of an entry, after its local header was compared with
// the directory.
func (a *archive) find(name string) (begin, size int64, ok bool, err error) {
	m, ok := a.entries[name]
	if !ok {
		return 0, 0, false, nil
	}
	fail := func(what string) (int64, int64, bool, error) {
		return 0, 0, false, a.disk.malformed("zip entry %s: %s", quote.Name(name), what)
	}
	if m.flags&flagEncrypted != 0 || m.method != 0 {
		return 0, 0, false, a.disk.unsupported("zip entry %s is compressed or encrypted, want it stored, as PyTorch writes it", quote.Name(name))
	}
	if m.packed != m.size {
		return fail("its two sizes differ")
	}
	h := make([]byte, localSize+len(name))
	if m.header+int64(len(h)) > a.begin {
		return fail("its header reaches into the directory")
	}
	if err := a.disk.readAt(h, m.header); err != nil {
		return 0, 0, false, err
	}
	le := binary.LittleEndian
	local := uint64(le.Uint32(h[22:]))
	switch {
	case string(h[:4]) != localMagic:
		return fail("the directory points to what isn't an entry")
	case le.Uint16(h[8:]) != m.method || le.Uint16(h[6:]) != m.flags || int(le.Uint16(h[26:])) != len(name) || !bytes.Equal(h[localSize:], []byte(name)):
		return fail("its own header says otherwise than the directory")
	case m.flags&flagDescriptor == 0 && local != uint64(m.size) && local != saturated32:
		return fail("its own header has another size than the directory")
	}
	begin = m.header + int64(len(h)) + int64(le.Uint16(h[28:]))
	if begin > a.begin || m.size > a.begin-begin {
		return fail("its bytes reach into the directory")
	}
	a.used = append(a.used, extent{m.header, begin + m.size, name})
	return begin, m.size, true, nil
}

// distinct checks that no two of the entries that were found share bytes.
func (a *archive) distinct() error {
	slices.SortFunc(a.used, func(x, y extent) int { return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end)) })
	for i := 1; i < len(a.used); i++ {
		if a.used[i].begin < a.used[i-1].end {
			return a.disk.malformed("zip entries %s and %s overlap", quote.Name(a.used[i-1].name), quote.Name(a.used[i].name))
		}
	}
	return nil
}

// load runs the pickle of the archive.
func (a *archive) load() (any, error) {
	prefix, err := a.prefix()
	if err != nil {
		return nil, err
	}
	if err := a.order(prefix + "byteorder"); err != nil {
		return nil, err
	}
	begin, size, _, err := a.find(prefix + "data.pkl")
	if err != nil {
		return nil, err
	}
	if size > maxPickle {
		return nil, a.disk.unsupported("data.pkl has %d bytes, want at most %d", size, maxPickle)
	}
	known := storages{}
	m := &machine{in: newInput(a.disk, begin, size)}
	m.load = func(id any) (*storage, error) {
		s, err := a.disk.storageID(id, 5)
		if err != nil {
			return nil, err
		}
		s, fresh, err := known.add(a.disk, s)
		if err != nil || !fresh {
			return s, err
		}
		begin, size, ok, err := a.find(prefix + "data/" + s.key)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, a.disk.malformed("storage %s: the archive has no entry %s", quote.Name(s.key), quote.Name(prefix+"data/"+s.key))
		}
		if size != s.bytes() {
			return nil, a.disk.malformed("storage %s has %d bytes, want %d for %d × %s", quote.Name(s.key), size, s.bytes(), s.count, s.dtype)
		}
		s.begin = begin
		return s, nil
	}
	root, err := m.run()
	if err != nil {
		return nil, err
	}
	if m.in.left() > 0 {
		return nil, a.disk.malformed("%d bytes follow the pickle in data.pkl", m.in.left())
	}
	return root, a.distinct()
}

// prefix returns the name of the one folder that all of an archive's entries lie
// in; it follows the name that the file had when it was written.
func (a *archive) prefix() (string, error) {
	prefix, n := "", 0
	for name := range a.entries {
		if folder, ok := strings.CutSuffix(name, "/data.pkl"); ok && !strings.Contains(folder, "/") {
			prefix = folder + "/"
			n++
		}
	}
	if n != 1 {
		return "", a.disk.malformed("is a zip archive with %d entries FOLDER/data.pkl, want 1: not a file of torch.save", n)
	}
	if _, script := a.entries[prefix+"constants.pkl"]; script {
		return "", a.disk.unsupported("is a TorchScript program: want a state_dict, saved with torch.save")
	}
	return prefix, nil
}

// order refuses a file of a big-endian machine. Files before PyTorch 2.1 don't say.
func (a *archive) order(name string) error {
	begin, size, ok, err := a.find(name)
	if err != nil || !ok {
		return err
	}
	text := make([]byte, min(size, 16))
	if err := a.disk.readAt(text, begin); err != nil {
		return err
	}
	if size > int64(len(text)) || string(text) != "little" {
		return a.disk.unsupported("byte order %s, want \"little\"", quote.Name(string(text)))
	}
	return nil
}
