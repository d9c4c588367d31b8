package main

import (
	"encoding/json"
	"io"
	"math"

	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
)

// writeFile writes a file that is complete or not there.
func writeFile(path string, write func(io.Writer) error) error {
	return outputs.WriteFile(path, write)
}

func writeBytes(path string, data []byte) error {
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// paths are the files of some images.
func paths(tasks []task) (list []string) {
	for _, t := range tasks {
		list = append(list, t.path)
	}
	return list
}

// writeJSON writes indented JSON without escaping what HTML would need.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// number is a figure in JSON, null where there is none.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if x := float64(n); !math.IsNaN(x) && !math.IsInf(x, 0) {
		return json.Marshal(x)
	}
	return []byte("null"), nil
}
