package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkpoint writes an index and shards; a shard is a list of tensor names, each
// with the shard's number as its value.
func checkpoint(t *testing.T, index string, shards map[string][]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, tensors := range shards {
		var list []Tensor
		for _, tensor := range tensors {
			list = append(list, Tensor{Name: tensor, DType: BF16, Shape: []int{1}, F64: []float64{float64(name[1] - '0')}})
		}
		var b bytes.Buffer
		if err := Write(&b, list, map[string]string{"format": "pt", "shard" + name[1:2]: name}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "model.safetensors.index.json")
	if err := os.WriteFile(path, []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestIndex(t *testing.T) {
	path := checkpoint(t,
		`{"metadata": {"total_size": 6, "note": "é", "list": [1], "none": null}, "later": {}, "weight_map": {"b": "s2", "a": "s1", "c": "s2"}}`,
		map[string][]string{"s1": {"a"}, "s2": {"b", "c"}})
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := fmt.Sprint(f.Tensors()); got != "[{a BF16 [1]} {b BF16 [1]} {c BF16 [1]}]" {
		t.Errorf("tensors are %s", got)
	}
	for tensor, want := range map[string]float64{"a": 1, "b": 2, "c": 2} {
		if v, err := f.ReadF64(tensor); err != nil || v[0] != want {
			t.Errorf("%s is %v %v, want %v", tensor, v, err, want)
		}
	}
	if got := fmt.Sprint(f.Metadata()); got != "map[format:pt note:é shard1:s1 shard2:s2 total_size:6]" {
		t.Errorf("metadata is %s", got)
	}
	list := sha256.New()
	size := 0
	for _, name := range []string{"model.safetensors.index.json", "s1", "s2"} {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
		fmt.Fprintf(list, "%x  %s\n", sha256.Sum256(data), name)
	}
	if got, err := f.Hash(); err != nil || got != hex.EncodeToString(list.Sum(nil)) {
		t.Errorf("hash is %s %v", got, err)
	}
	if f.Size() != int64(size) {
		t.Errorf("size is %d, want %d", f.Size(), size)
	}
	if err := os.Truncate(filepath.Join(filepath.Dir(path), "s2"), 9); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Hash(); !errors.Is(err, ErrChanged) {
		t.Errorf("hash after a change: %v", err)
	}
}

// TestFolder opens what a folder holds: an index, or one file. A folder with
// neither or both is refused, and so is one named like a file.
func TestFolder(t *testing.T) {
	path := checkpoint(t, `{"weight_map": {"a": "s1", "b": "s2"}}`, map[string][]string{"s1": {"a"}, "s2": {"b"}})
	dir := filepath.Dir(path)
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if len(f.Tensors()) != 2 || f.Path() != path {
		t.Errorf("a folder with an index gives %s with %v", f.Path(), f.Tensors())
	}
	one := filepath.Join(dir, FileName)
	if err := os.Rename(filepath.Join(dir, "s1"), one); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	checkKind(t, "both", err, "is a directory with model.safetensors.index.json and with model.safetensors: name the one that is meant", true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if len(f.Tensors()) != 1 || f.Path() != one {
		t.Errorf("a folder with one file gives %s with %v", f.Path(), f.Tensors())
	}
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	checkKind(t, "neither", err, "is a directory without model.safetensors.index.json", true)
	if err := os.Mkdir(one, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	checkKind(t, "a folder in the folder", err, "is a directory, want a regular file", true)
}

// TestIndexLinked has a shard that lies elsewhere, as in a download cache.
func TestIndexLinked(t *testing.T) {
	path := checkpoint(t, `{"weight_map": {"a": "s1"}}`, map[string][]string{"s1": {"a"}})
	shard := filepath.Join(filepath.Dir(path), "s1")
	blob := filepath.Join(t.TempDir(), "blob")
	if err := os.Rename(shard, blob); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(blob, shard); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestIndexRefuses(t *testing.T) {
	shards := map[string][]string{"s1": {"a"}, "s2": {"b"}}
	for _, c := range []struct {
		index, want string
		unsupported bool
	}{
		{``, "the end where '{' is wanted", false},
		{`[]`, "where '{' is wanted", false},
		{"{\"\xff\":1}", "the index isn't UTF-8", false},
		{`{}`, "has no weight_map", false},
		{`{"weight_map":{}}`, "has no weight_map, or an empty one", false},
		{`{"Weight_Map":{"a":"s1"}}`, `want "weight_map" in this very spelling`, false},
		{`{"weight_map":{"a":"s1"},"weight_map":{"a":"s1"}}`, `key "weight_map" appears twice`, false},
		{`{"weight_map":{"a":"s1","a":"s2"}}`, `tensor "a": the name appears twice`, false},
		{`{"metadata":{"k":1,"k":1},"weight_map":{"a":"s1"}}`, `key "k" appears twice`, false},
		{`{"weight_map":{"a":"s1","b":"s2"}} x`, "after the index's last '}'", false},
		{`{"weight_map":{"a":1}}`, `tensor "a": '1' where '"' is wanted`, false},
		{`{"weight_map":{"a":"../s1"}}`, `shard "../s1": want the name of a file beside the index`, false},
		{`{"weight_map":{"a":"/etc/passwd"}}`, "beside the index", false},
		{`{"weight_map":{"a":"d/s1"}}`, "beside the index", false},
		{`{"weight_map":{"a":"d\\s1"}}`, "beside the index", false},
		{`{"weight_map":{"a":".."}}`, "beside the index", false},
		{`{"weight_map":{"a":""}}`, "beside the index", false},
		{`{"weight_map":{"a":"s1\u0000"}}`, "beside the index", false},
		{`{"weight_map":{"a":"s2","b":"s2"}}`, `tensor "a": isn't in s2, where the index has it`, false},
		{`{"weight_map":{"a":"s1","b":"s1"}}`, `tensor "b": isn't in s1, where the index has it`, false},
		{`{"weight_map":{"a":"s2","b":"s1"}}`, `s1: tensor "a": is in this shard, and the index has it in s2`, false},
		{`{"weight_map":{"a":"s1","c":"s2"}}`, `s2: tensor "b": isn't listed in the index`, false},
		{`{"weight_map":{"a":"model.safetensors.index.json"}}`, "header is", false},
	} {
		_, err := Open(checkpoint(t, c.index, shards))
		checkKind(t, c.index, err, c.want, c.unsupported)
	}
	if _, err := Open(checkpoint(t, `{"weight_map":{"a":"s3"}}`, shards)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing shard: got %v", err)
	}
	// A tensor in two shards has two meanings, whichever one the index names.
	_, err := Open(checkpoint(t, `{"weight_map":{"a":"s1","b":"s2"}}`, map[string][]string{"s1": {"a"}, "s2": {"b", "a"}}))
	checkKind(t, "in two shards", err, `tensor "a": is in this shard, and the index has it in s1`, false)

	many := `{"weight_map":{"a":"s1"`
	for i := range maxShards {
		many += fmt.Sprintf(`,"a%d":"s%d"`, i, i+2)
	}
	_, err = Open(checkpoint(t, many+"}}", shards))
	checkKind(t, "many shards", err, "has 513 shards, want at most 512", true)

	path := checkpoint(t, `{"metadata":{"format":"tf"},"weight_map":{"a":"s1","b":"s2"}}`, shards)
	_, err = Open(path)
	checkKind(t, "metadata in conflict", err, `key "format" is "pt" here and "tf" before`, false)
	if strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("a message of more than a line: %v", err)
	}
}
