package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Bound is the range of a number that a flag takes, both ends included.
type Bound struct{ Least, Most float64 }

// Bounds are the ranges of all flags that take numbers: beyond them a run would take
// days, or overflow. A flag of one command that differs from others of its name
// stands with the command's. What depends on the model is checked where it is known.
func Bounds() map[string]Bound {
	const (
		maxBatch = 4096
		maxSide  = 1 << 15 // pixels
		tiny     = math.SmallestNonzeroFloat64
	)
	below1 := math.Nextafter(1, 0)
	return map[string]Bound{
		"batch":      {1, maxBatch},
		"size":       {1, maxSide},
		"image-size": {1, maxSide},
		"heads":      {1, 4096},
		"eta":        {0, 1000},
		"lambda":     {0, 1000},
		"ln-eps":     {tiny, 1},
		"mean":       {-1000, 1000},
		"std":        {tiny, 1000},

		"jobs":        {1, 4096},
		"vector-bits": {128, 512},
		"memory":      {1, 1 << 24}, // MB: 16 TB

		"decode-memory": {1, 1 << 24},
		"max-pixels":    {1, 10_000}, // megapixels

		"objects":    {1, 1000},
		"tau":        {0, below1},
		"min-area":   {1, 1 << 30},
		"top":        {1, 1 << 20},
		"limit":      {0, 1 << 30},
		"mask-ratio": {0, 1},
		"mask-seed":  {math.MinInt64, math.MaxInt64},
		"side":       {16, 1024},
		"rows":       {1, 400},

		"repeat":   {1, 1_000_000},
		"seconds":  {tiny, 24 * 3600},
		"depth":    {1, 1024},
		"width":    {1, 1 << 16},
		"grid":     {2, 200},
		"channels": {1, 1 << 16},
		"dense":    {0, 200},
		"images":   {1, 1_000_000},
		"delay":    {0, 3600}, // seconds

		"tokens": {1, 1 << 20},
		"inner":  {1, 1 << 16},

		"min-queries":  {0, 1_000_000},
		"min-duration": {0, 24 * 3600}, // seconds

		"crate-vk bench --repeat":          {0, 1_000_000}, // 0: as many as fit --seconds
		"crate-vk bench product --columns": {1, 1 << 16},

		"crate-vk-view --opacity": {0, 1},
	}
}

// words are what flags take beside numbers.
func words() map[string]string {
	return map[string]string{"batch": "auto", "size": "native"}
}

// only are the values of numbers that can't be others between their bounds.
func only() map[string]string {
	return map[string]string{"vector-bits": "128, 256 or 512"}
}

// CheckBounds refuses a flag's number beyond its bounds.
func CheckBounds(c *cobra.Command) error {
	var err error
	c.Flags().Visit(func(f *pflag.Flag) {
		if b, ok := BoundOf(c, f.Name); ok && err == nil {
			err = b.check(f)
		}
	})
	return err
}

// BoundOf is the range of a command's flag; false where it has none.
func BoundOf(c *cobra.Command, flag string) (Bound, bool) {
	if b, ok := Bounds()[c.CommandPath()+" --"+flag]; ok {
		return b, true
	}
	b, ok := Bounds()[flag]
	return b, ok
}

func (b Bound) check(f *pflag.Flag) error {
	for _, text := range numbersOf(f) {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // the flag's own parser says what it wants
		}
		if !(x >= b.Least && x <= b.Most) {
			return Usage(fmt.Errorf("--%s is %s, want %s", f.Name, f.Value, b.text(f)))
		}
	}
	return nil
}

// FlagError tells of a number that can't be read what CheckBounds tells of others, and
// of a flag that there is not the nearest that there is.
func FlagError(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &invalid) || !errors.As(err, &number) {
		return unknownFlag(c, err)
	}
	f := invalid.GetFlag()
	b, ok := BoundOf(c, f.Name)
	if !ok {
		return err
	}
	want := b.text(f)
	if strings.HasPrefix(f.Value.Type(), "int") {
		want = "a whole number, " + want
	}
	return fmt.Errorf("--%s is %s, want %s", f.Name, cmp.Or(invalid.GetValue(), `""`), want)
}

// numbersOf are the numbers in a flag's value.
func numbersOf(f *pflag.Flag) []string {
	if d, err := time.ParseDuration(f.Value.String()); err == nil && f.Value.Type() == "duration" {
		return []string{fmt.Sprint(d.Seconds())}
	}
	return strings.FieldsFunc(f.Value.String(), func(r rune) bool { return strings.ContainsRune("x,[] ", r) })
}

func (b Bound) text(f *pflag.Flag) string {
	if list := only()[f.Name]; list != "" {
		return list
	}
	end := func(x float64) string {
		if f.Value.Type() == "duration" {
			return (time.Duration(x) * time.Second).String()
		}
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	text := end(b.Least) + " to " + end(b.Most)
	switch {
	case b.Least == math.SmallestNonzeroFloat64:
		text = "above 0 and up to " + end(b.Most)
	case b.Most < 1 && b.Most > 0.999:
		text = "at least " + end(b.Least) + " and below 1"
	}
	if w := words()[f.Name]; w != "" && f.Value.Type() == "string" {
		text += ", or " + w
	}
	return text
}
