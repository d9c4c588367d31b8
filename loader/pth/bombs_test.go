package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBombs opens the largest files of each kind of trouble that the limits let
// in, and some beyond them. The promise is an answer within 1 s and memory below 64
// MB. All that is allocated is more than what is ever live, which is measured where
// the former is too much. The processor time that fails the test is generous: the
// race detector takes ten times as much.
func TestBombs(t *testing.T) {
	const size = maxPickle - 100
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, (size-len(before)-len(after))/len(unit)) + after
	}
	times := func(n int, unit string) string { return strings.Repeat(unit, n) }
	each := func(n int, unit func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(unit(i))
		}
		return b.String()
	}
	w := view("FloatStorage", 0, 2, 0, []int{2}, []int{1})
	ones := slices.Repeat([]int{1}, maxRank)
	for name, c := range map[string]struct {
		pickle string
		want   string // "" if it opens
	}{
		"empty dictionaries":  {"]" + times(maxOps/2-2, "}a"), ""},
		"empty lists":         {"]" + times(maxOps/2-2, "]a"), ""},
		"lists in batches":    {"]" + times(8, "("+times(60_000, "]")+"e"), ""},
		"too many operations": {"]" + times(maxOps, "Na"), "unsupported"},
		"stacked":             {times(maxStack+1, "N"), "unsupported"},
		"popped by tuples":    {"N" + times(maxOps-3, "\x85"), "unsupported"},
		"nested lists":        {times(50_000, "]") + times(49_999, "a"), "unsupported"},
		"nested marks":        {times(maxMarks+1, "("), "unsupported"},
		"memo filled":         {"]" + each(maxOps/3-2, func(i int) string { return "}r" + le32(i) + "a" }), ""},
		"memo far":            {"Nr" + le32(maxMemo-1), ""},
		"floats":              {"]" + times(maxOps/2-2, "G12345678a"), ""},
		"small strings":       {"]" + times(maxOps/2-2, "\x8c\x01xa"), ""},
		"strings":             {fill("](", text(strings.Repeat("s", 500)), "e"), ""},
		"a long string":       {text(strings.Repeat("s", maxString+1)), "unsupported"},
		"long strings":        {"](" + times(7, text(strings.Repeat("s", maxString))) + "e", ""},
		"long integers":       {fill("](", "\x8a\xff"+strings.Repeat("1", 255), "e"), ""},
		"bytes":               {fill("](", "C\xff"+strings.Repeat("1", 255), "e"), ""},
		"beyond the limit":    {times(maxPickle/12+1, "](C\x08--------e"), "unsupported"},
		"globals":             {"]" + times(100_000, "ctorch\nSize\na"), ""},
		"namespaces":          {"](cargparse\nNamespace\nq\x00" + times(60_000, "h\x00)\x81") + "e", ""},
		"copied dictionaries": {"(}q\x00(" + each(10_000, func(i int) string { return number(i) + "N" }) + "u" +
			"ccollections\nCounter\nq\x01" + times(60, "h\x01h\x00\x85R") + "t", "unsupported"},
		"copied pairs": {"(](" + times(10_000, "NN\x86") + "e\x85q\x00ccollections\nOrderedDict\nq\x01" + times(60, "h\x01h\x00R") + "t", "unsupported"},
		"tensors of one list": {"(ctorch._utils\n_rebuild_tensor_v2\nq\x00(" + "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
			number(2) + "tQK\x00" + numbers(ones) + numbers(ones) + "tq\x01" + times(60_000, "h\x00h\x01R") + "t", "unsupported"},
		"tensors":             {"](" + w + "q\x00" + times(maxTensors, "h\x00") + "e", "unsupported"},
		"largest tensors":     {"](" + view("FloatStorage", 0, 2, 0, ones, ones) + "q\x00" + times(maxTensors-1, "h\x00") + "e", ""},
		"long names":          {"}" + text(strings.Repeat("n", 500)) + "](" + w + "q\x00" + times(maxTensors-1, "h\x00") + "es", ""},
		"long keys":           {"](" + times(30, "}("+each(400, func(i int) string { return text(fmt.Sprintf("%0480d", i)) + "N" })+"u") + "e", ""},
		"shared dictionaries": {"(}q\x00(" + each(1000, func(i int) string { return number(i) + "N" }) + "u" + times(600, "h\x00") + "t", "unsupported"},
		"laughs": {"(]q\x00" + each(200, func(i int) string {
			return "]q" + string([]byte{byte(i + 1)}) + "(" + times(100, "h"+string([]byte{byte(i)})) + "e"
		}) + "t", "unsupported"},
		"storages":        {"](" + each(20_000, func(i int) string { return view("FloatStorage", i, 0, 0, nil, nil) }) + "e", "malformed"},
		"long keys, deep": {times(60, "}"+text(strings.Repeat("k", 500))) + "N" + times(60, "s"), "unsupported"},
		"a line":          {"c" + strings.Repeat("x", size), "unsupported"},
	} {
		measure(t, name, packed(c.pickle, []byte("\x00\x00\x80\x3f\x00\x00\x00\x40")), c.want)
		switch name { // the same in a legacy file
		case "laughs", "strings", "stacked", "a line", "nested lists":
			head := "\x80\x02" + string("\x8a\x0a"+legacyMagic) + ".\x80\x02" + number(1001) + ".\x80\x02}" + text("little_endian") + "\x88s.\x80\x02"
			measure(t, name+", legacy", []byte(head+c.pickle+".\x80\x02]."), c.want)
		}
	}
}

// measure opens a file and compares what becomes of it: an error of the kind that
// is wanted, or none for "".
func measure(t *testing.T, name string, data []byte, want string) {
	t.Helper()
	var err error
	took, mem := spent(func() { err = readAll(func() (*File, error) { return openBytes(data) }) })
	checkKind(t, name, err, want)
	t.Logf("%-28s %5d KB: %4.0f ms %5.1f MB  %.90v", name, len(data)>>10, took.Seconds()*1e3, float64(mem)/1e6, err)
	if took > 10*time.Second {
		t.Errorf("%s: takes %v, want 1 s", name, took)
	}
	if limit := uint64(64_000_000); mem > limit {
		if live := peak(func() { readAll(func() (*File, error) { return openBytes(data) }) }); live > limit {
			t.Errorf("%s: %d MB are live at once, want at most 64", name, live/1e6)
		}
	}
}

// peak is how much the heap grows while run runs.
func peak(run func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	done := make(chan struct{})
	go func() {
		run()
		close(done)
	}()
	for {
		select {
		case <-done:
			return most - before
		case <-time.After(time.Millisecond):
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
}

// TestDirectoryBombs has zip directories with many entries and long names.
func TestDirectoryBombs(t *testing.T) {
	directory := func(n, name int) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i := range n {
			if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("a/%0*d", name, i), Method: zip.Store}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	measure(t, "entries", directory(maxEntries, 6), "malformed") // no data.pkl
	measure(t, "more entries", directory(maxEntries+1, 6), "unsupported")
	measure(t, "long names", directory(120, 65_000), "malformed")
	measure(t, "longer names", directory(140, 65_000), "unsupported")

	// More entries than the 16 bits of the end record count: 65,536 more.
	data := directory(maxEntries+7, 6)
	at := bytes.Index(data, []byte(end64Magic))
	end := data[len(data)-endSize:]
	binary.LittleEndian.PutUint32(end[12:], uint32(at-int(binary.LittleEndian.Uint64(data[at+48:]))))
	binary.LittleEndian.PutUint32(end[16:], uint32(binary.LittleEndian.Uint64(data[at+48:])))
	binary.LittleEndian.PutUint16(end[8:], 7)
	binary.LittleEndian.PutUint16(end[10:], 7)
	measure(t, "entries modulo 65,536", append(data[:at:at], end...), "malformed")
}
