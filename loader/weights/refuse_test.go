package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// file makes a safetensors file from the text of a header and data.
func file(header string, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// memory is a source in memory.
type memory struct {
	*bytes.Reader
	modTime time.Time
}

func (m *memory) Close() error               { return nil }
func (m *memory) Stat() (fs.FileInfo, error) { return m, nil }
func (m *memory) Name() string               { return "memory" }
func (m *memory) Mode() fs.FileMode          { return 0 }
func (m *memory) ModTime() time.Time         { return m.modTime }
func (m *memory) IsDir() bool                { return false }
func (m *memory) Sys() any                   { return nil }

// openBytes opens a file that lies in memory.
func openBytes(data []byte) (*File, error) {
	return newFile(&shard{path: "model.safetensors", src: &memory{Reader: bytes.NewReader(data)}, size: int64(len(data))})
}

const f32x1 = `{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`

// TestRefuse has a file for each rule. Where unsupported is set the refusal is an
// *UnsupportedError, else a *FormatError.
func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		name        string
		data        []byte
		want        string
		unsupported bool
	}{
		{"empty", nil, "has 0 bytes, and the length of the header alone takes 8", false},
		{"seven bytes", []byte("1234567"), "has 7 bytes", false},
		{"header of 2^64-1", bytes.Repeat([]byte{255}, 16), "header is 18446744073709551615 bytes long, want at most 100000000", false},
		{"header above the limit", file("{}", "")[:0:0], "", false},
		{"header beyond the end", file("{}", "")[:9], "the header is 2 bytes long, and 1 bytes are left", false},
		{"empty header", file("", ""), "doesn't start with '{'", false},
		{"array", file("[]", ""), "doesn't start with '{'", false},
		{"space first", file(" {}", ""), "doesn't start with '{'", false},
		{"byte order mark", file("\ufeff{}", ""), "doesn't start with '{'", false},
		{"not UTF-8", file("{\"\xff\":"+f32x1+"}", "1234"), "isn't UTF-8", false},
		{"unclosed", file(`{"a":`+f32x1, "1234"), "the end where ',' or '}' is wanted", false},
		{"trailing comma", file(`{"a":`+f32x1+`,}`, "1234"), `'}' where '"' is wanted`, false},
		{"no comma", file(`{"a":`+f32x1+`"b":`+f32x1+`}`, "1234"), "where ',' or '}' is wanted", false},
		{"no colon", file(`{"a"`+f32x1+`}`, "1234"), "where ':' is wanted", false},
		{"single quotes", file(`{'a':`+f32x1+`}`, "1234"), `where '"' is wanted`, false},
		{"text after", file(`{} x`, ""), "'x' after the header's last '}'", false},
		{"second object", file(`{}{}`, ""), "after the header's last '}'", false},
		{"NUL padding", file("{}\x00\x00", ""), `'\x00' after the header's last '}'`, false},
		{"control byte in a string", file("{\"a\nb\":"+f32x1+"}", "1234"), `control character '\n' inside a string`, false},
		{"string without end", file(`{"a`, ""), "a string without end", false},
		{"escape at the end", file(`{"a\`, ""), "a string without end", false},
		{"unknown escape", file(`{"\x":`+f32x1+`}`, "1234"), "an escape that JSON doesn't have", false},
		{"short \\u", file(`{"\u12":`+f32x1+`}`, "1234"), "an escape that JSON doesn't have", false},
		{"lone surrogate", file(`{"\ud800":`+f32x1+`}`, "1234"), "an escape that JSON doesn't have", false},
		{"low surrogate first", file(`{"\udc00\ud800":`+f32x1+`}`, "1234"), "an escape that JSON doesn't have", false},

		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, ""), "__metadata__ appears twice", false},
		{"metadata twice, once escaped", file(`{"__metadata__":{},"\u005f_metadata__":{}}`, ""), "__metadata__ appears twice", false},
		{"metadata key twice", file(`{"__metadata__":{"k":"1","k":"1"}}`, ""), `__metadata__: key "k" appears twice`, false},
		{"metadata number", file(`{"__metadata__":{"k":1}}`, ""), `key "k": '1' where a string is wanted`, false},
		{"metadata null", file(`{"__metadata__":null}`, ""), "'n' where '{' is wanted", false},
		{"metadata in another case", file(`{"__Metadata__":{"format":"pt"}}`, ""), `tensor "__Metadata__": field "dtype" is missing`, false},

		{"name twice", file(`{"a":`+f32x1+`,"a":`+f32x1+`}`, "1234"), `tensor "a": the name appears twice`, false},
		{"name twice, once escaped", file(`{"a":`+f32x1+`,"\u0061":`+f32x1+`}`, "1234"), `tensor "a": the name appears twice`, false},
		{"tensor is null", file(`{"a":null}`, ""), "'n' where '{' is wanted", false},
		{"no dtype", file(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, "1234"), `field "dtype" is missing`, false},
		{"no shape", file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, "1234"), `field "shape" is missing`, false},
		{"no offsets", file(`{"a":{"dtype":"F32","shape":[1]}}`, "1234"), `field "data_offsets" is missing`, false},
		{"field twice", file(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "1234"), `field "dtype" appears twice`, false},
		{"field in another case", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"Shape":[2]}}`, "1234"), `field "Shape": want "shape" in this very spelling`, false},
		{"field in another case alone", file(`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, "1234"), `field "DType": want "dtype"`, false},
		{"unknown field twice", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1,"x":1}}`, "1234"), `key "x" appears twice`, false},
		{"unknown field, duplicate inside", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":{"y":1,"y":1}}}`, "1234"), `key "y" appears twice`, false},
		{"unknown dtype", file(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, "1234"), `dtype "F31" is none of the format's`, false},
		{"dtype in lower case", file(`{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}`, "1234"), `dtype "f32" is none`, false},
		{"dtype is a number", file(`{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}`, "1234"), `'3' where '"' is wanted`, false},

		{"negative dimension", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, "1234"), "'-' where a non-negative integer is wanted", false},
		{"fractional dimension", file(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, "1234"), "a fraction or exponent where an integer is wanted", false},
		{"exponent", file(`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, "1234"), "a fraction or exponent", false},
		{"leading zero", file(`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, "1234"), "leading zeros", false},
		{"dimension of 2^63", file(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`, "1234"), "an integer above 2^63-1", false},
		{"dimension of 2^64", file(`{"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}}`, "1234"), "an integer above 2^63-1", false},
		{"product wraps to 1", file(`{"a":{"dtype":"F32","shape":[4294967297,4294967297,4294967297],"data_offsets":[0,4]}}`, "1234"), "exceeds 2^63-1", false},
		{"product × type wraps to 4", file(`{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}`, "1234"), "aren't a whole number of bytes below 2^63", false},
		{"half a byte", file(`{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}`, "1"), "aren't a whole number of bytes", false},
		{"shape too large", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, "1234"), "offsets [0 4] hold 4 bytes, want 8 for F32 [2]", false},
		{"shape too small", file(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}`, "1234"), "offsets [0 4] hold 4 bytes, want 2 for F16 [1]", false},
		{"empty shape is one element", file(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,0]}}`, ""), "hold 0 bytes, want 4 for F32 []", false},
		{"rank 17", file(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 16)+`1],"data_offsets":[0,4]}}`, "1234"), "more than 16 dimensions", true},

		{"backwards", file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}`, "12345678"), `model.safetensors: tensor "x": offsets [8 4] run backwards`, false},
		{"one offset", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, "1234"), "data_offsets has 1 numbers, want 2", false},
		{"three offsets", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, "1234"), "data_offsets has more than 2 numbers", false},
		{"negative offset", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, "1234"), "non-negative integer", false},
		{"hole at the start", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, "12345678"), `tensor "a": offsets [4 8] leave a hole after the start of the data`, false},
		{"hole", file(`{"a":`+f32x1+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, "123456789012"), `tensor "b": offsets [8 12] leave a hole after tensor "a", which ends at 4`, false},
		{"overlap", file(`{"a":`+f32x1+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, "123456"), `tensor "b": offsets [2 6] overlap tensor "a", which ends at 4`, false},
		{"same data twice", file(`{"a":`+f32x1+`,"b":`+f32x1+`}`, "1234"), `tensor "b": offsets [0 4] overlap tensor "a"`, false},
		{"trailing byte", file(`{"a":`+f32x1+`}`, "12345"), "1 bytes follow the last tensor, whose data ends at 4", false},
		{"data without tensors", file(`{}`, "1"), "1 bytes follow the last tensor", false},
		{"truncated data", file(`{"a":`+f32x1+`}`, "123"), `tensor "a": offsets [0 4] end beyond the file, which has 3 bytes of data`, false},
		{"deep nesting", file(`{"a":{"x":`+strings.Repeat("[", 100000)+`}}`, ""), "values nest deeper than 32", false},
	} {
		if c.want == "" {
			continue
		}
		_, err := openBytes(c.data)
		checkKind(t, c.name, err, c.want, c.unsupported)
	}
	var many strings.Builder
	many.WriteString(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)
	for i := range maxTensors {
		fmt.Fprintf(&many, `,"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
	}
	many.WriteString("}")
	_, err := openBytes(file(many.String(), ""))
	checkKind(t, "one tensor too many", err, "more than 131072 tensors", true)

	over := binary.LittleEndian.AppendUint64(nil, maxHeader+1)
	_, err = newFile(&shard{path: "m", src: &memory{Reader: bytes.NewReader(over)}, size: 1 << 40})
	checkKind(t, "header above the limit", err, "want at most 100000000", false)
}

// checkKind checks an error's type, and that its text contains want.
func checkKind(t *testing.T, name string, err error, want string, unsupported bool) {
	t.Helper()
	var format *FormatError
	var unsup *UnsupportedError
	isFormat, isUnsupported := errors.As(err, &format), errors.As(err, &unsup)
	if err == nil || isFormat == unsupported || isUnsupported != unsupported || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %T %v, want %q", name, err, err, want)
	}
}

// TestRefuseValues has NaN and infinity in each type.
func TestRefuseValues(t *testing.T) {
	for _, c := range []struct {
		dtype string
		last  string // the last element's bytes
		want  string
	}{
		{"F16", "\x00\x7c", "+Inf"}, {"F16", "\x00\xfc", "-Inf"}, {"F16", "\x01\x7c", "NaN"}, {"F16", "\x00\xfe", "NaN"},
		{"BF16", "\x80\x7f", "+Inf"}, {"BF16", "\x80\xff", "-Inf"}, {"BF16", "\xc1\x7f", "NaN"},
		{"F32", "\x00\x00\x80\x7f", "+Inf"}, {"F32", "\x00\x00\xc0\x7f", "NaN"}, {"F32", "\x01\x00\x80\xff", "NaN"},
		{"F64", "\x00\x00\x00\x00\x00\x00\xf0\xff", "-Inf"}, {"F64", "\x01\x00\x00\x00\x00\x00\xf8\x7f", "NaN"},
	} {
		// 300,000 rows of 2: the element lies in a later chunk than the first.
		n := 600_000 * len(c.last)
		head := fmt.Sprintf(`{"w":{"dtype":%q,"shape":[300000,2],"data_offsets":[0,%d]}}`, c.dtype, n)
		f, err := openBytes(file(head, strings.Repeat("\x00", n-len(c.last))+c.last))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`tensor "w": element 599999 [299999 1] is %s, want finite numbers`, c.want)
		_, err = f.ReadF64("w")
		checkKind(t, c.dtype+" ReadF64", err, want, false)
		_, err = f.ReadF32("w")
		checkKind(t, c.dtype+" ReadF32", err, want, false)
	}
	f, err := openBytes(file(`{"w":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`, "\xff\xff\xff\xff\xff\xff\xef\x7f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadF64("w"); err != nil {
		t.Error(err)
	}
	_, err = f.ReadF32("w")
	checkKind(t, "F64 beyond float32", err, "element 0 [] is 1.7976931348623157e+308, which float32 can't hold", true)
}

func TestRefuseKinds(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	checkKind(t, "directory", err, "is a directory without model.safetensors.index.json and without model.safetensors", true)
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
	f, err := openBytes(file(`{"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]}}`, "\x07\x00\x00\x00\x00\x00\x00\x00\x01"))
	if err != nil {
		t.Fatal("a type that nobody asks for:", err)
	}
	_, err = f.ReadF32("n")
	checkKind(t, "I64", err, `tensor "n": is I64, want F16, BF16, F32 or F64`, true)
	if b, err := f.ReadBytes("n"); err != nil || b[0] != 7 || len(b) != 8 {
		t.Errorf("ReadBytes: got %v, %v", b, err)
	}
	if _, err = f.ReadF64("x\n"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `tensor "x\n"`) {
		t.Errorf("unknown name: got %v", err)
	}
}

// TestHostileHeaders opens 10 MB of each kind of trouble. The promise is a refusal
// within 1 s and memory below the file's size + 64 MB; the total of all
// allocations, which is more than what is ever live, stays below that. The time
// that fails the test is generous, since the machine may be busy.
func TestHostileHeaders(t *testing.T) {
	const size = 10_000_000
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, (size-len(before)-len(after))/len(unit)) + after
	}
	var names, holes strings.Builder
	names.WriteString(`{`)
	for i := 0; names.Len() < size; i++ {
		fmt.Fprintf(&names, `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`, i)
	}
	holes.WriteString(`{`)
	for i := 0; holes.Len() < size; i++ {
		fmt.Fprintf(&holes, `"%d":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[%d,%d]},`, i, 12*i, 12*i+4)
	}
	holes.WriteString(`"x":` + f32x1 + `}`)
	keys := func(unit string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, unit, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"tensors":            names.String(),
		"holes":              holes.String(),
		"spaces":             fill("{", " ", "x"),
		"a long name":        fill(`{"`, "n", `":{}}`),
		"an escaped name":    fill(`{"`, `\u0041`, `":{}}`),
		"backslashes":        fill(`{"`, `\\`, `":{}}`),
		"a long dtype":       fill(`{"a":{"dtype":"`, "F", `"}}`),
		"one name, again":    fill(`{`, `"a":`+f32x1+`,`, "}"),
		"dimensions":         fill(`{"a":{"shape":[`, "1,", "1]}}"),
		"digits":             fill(`{"a":{"shape":[`, "9", "]}}"),
		"brackets":           fill(`{"a":{"x":`, "[", "}}"),
		"elements":           fill(`{"a":{"x":[`, "0,", "0]}}"),
		"objects":            fill(`{"a":{"x":[`, `{"b":{}},`, "0]}}"),
		"metadata":           `{"__metadata__":{` + keys(`"%d":"",`),
		"fields":             `{"a":{` + keys(`"%d":0,`),
		"a long value":       fill(`{"__metadata__":{"a":"`, `\n`, `"}} x`),
		"keys of an unknown": `{"a":{"x":{` + keys(`"%d":0,`),
		"large, then small":  fill(`{"a":{"x":[{`+keys(`"%d":0,`)[:24000]+`"":0},`, `{"b":0},`, "0]}}"),
	} {
		data := file(text, "")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f, err := openBytes(data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if err == nil {
			f.Close()
			t.Errorf("%s: is accepted", name)
			continue
		}
		if len(err.Error()) > 500 {
			t.Errorf("%s: the message has %d bytes", name, len(err.Error()))
		}
		mem := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-20s %6.0f ms %5.1f MB  %.90v", name, took.Seconds()*1e3, float64(mem)/1e6, err)
		if mem > uint64(len(data))+64_000_000 {
			t.Errorf("%s: %d MB are allocated, want at most the file's size + 64", name, mem/1e6)
		}
		if took > 10*time.Second {
			t.Errorf("%s: takes %v, want 1 s", name, took)
		}
	}
}

func TestErrorPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a\nb")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if err == nil || strings.ContainsRune(err.Error(), '\n') || !strings.Contains(err.Error(), `a\nb": is no safetensors file`) {
		t.Errorf("got %v", err)
	}
}

// TestBadFiles opens what testdata/bad has, and reads it where it opens.
func TestBadFiles(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/bad/*.safetensors")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d files (%v)", len(paths), err)
	}
	for _, path := range paths {
		f, err := Open(path)
		if err == nil {
			_, err = f.ReadF32("a")
			f.Close()
		}
		checkKind(t, path, err, path+": ", false)
	}
}
