package outputs

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzRecords reads arbitrary bytes as results.jsonl or a journal: each line that is
// handed over stands where it is said to stand, the first is a header, and no line, be it
// cut off or not JSON, ends the reading.
func FuzzRecords(f *testing.F) {
	const header = `{"command":"segment","model_sha256":"ab","version":"v1","flags":"x"}` + "\n"
	f.Add([]byte(header + `{"path":"a.png","sha256":"00","outputs":[{"name":"a.mask.png","sha256":"11"}]}` + "\n" + `{"path":"b.png","error":"x"}` + "\n"))
	f.Add([]byte(header + `{"token":"t","claims":["a.mask.png","b\\x0a.json"]}` + "\n" + `{"path":"c.p`))
	f.Add([]byte(`{"command":1}` + "\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		run := &Run{Outputs: map[string]bool{}}
		next := int64(0)
		err := readLines(bytes.NewReader(data), "x", func(at int64, line []byte) error {
			if at != next || !bytes.Equal(data[at:at+int64(len(line))], line) || data[at+int64(len(line))] != '\n' {
				t.Fatalf("line %q at %d, want the one at %d", line, at, next)
			}
			if at == 0 && !isHeader(line) {
				t.Fatalf("%q is taken for a header", line)
			}
			next = at + int64(len(line)) + 1
			if at > 0 {
				run.add(line)
			}
			return nil
		})
		if err != nil && (!errors.Is(err, errNotOurs) || len(err.Error()) > 1000) {
			t.Fatal(err)
		}
		if rest := data[next:]; err == nil && bytes.IndexByte(rest, '\n') >= 0 {
			t.Fatalf("%q is not read", rest)
		}
	})
}

// FuzzDifference compares arbitrary headers.
func FuzzDifference(f *testing.F) {
	f.Add([]byte(`{"command":"segment","flags":"a"}`), []byte(`{"command":"segment","flags":"b"}`))
	f.Add([]byte(`{"a":{"b":[1]}}`), []byte(`{"a":null,"c":1}`))
	f.Add([]byte(`null`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, have, want []byte) {
		if difference(have, want) == "" {
			t.Fatal("nothing is said")
		}
	})
}
