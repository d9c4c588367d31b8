package crate

import (
	"fmt"
	"strings"
)

// preset is one published geometry (numerics 1.2 – 1.6).
type preset struct {
	name       string
	dim, heads int
	depth      int
	patch      int
	classes    int
	extra      int // rows of the demo checkpoints' second head
	about      string
}

// published gives the geometries of all families.
func published(yield func(family, preset) bool) {
	for _, a := range Architectures() {
		f, _ := familyOf(a)
		for _, p := range f.presets() {
			if !yield(f, p) {
				return
			}
		}
	}
}

// Presets lists the names that Preset knows, with one line about each.
func Presets() (names, about []string) {
	for _, p := range published {
		names, about = append(names, p.name), append(about, p.about)
	}
	return names, about
}

// Preset is the published geometry of that name, at 224×224 px.
func Preset(name string) (Config, error) {
	for f, p := range published {
		if p.name == name {
			c := f.config()
			c.ImageSize = [2]int{224, 224}
			c.Patch, c.Dim, c.Depth, c.Heads, c.Inner = p.patch, p.dim, p.depth, p.heads, p.dim
			c.Classes, c.ExtraHead = p.classes, p.extra
			if f.scale != nil {
				f.scale(&c)
			}
			return c, c.Check()
		}
	}
	names, _ := Presets()
	return Config{}, fmt.Errorf("no preset %q: there are %s", name, strings.Join(names, " "))
}

// KnownName is the published model that a configuration is the geometry of, ""
// if none.
func KnownName(c *Config) string {
	for f, p := range published {
		d := f.config()
		if f.name == c.Architecture && p.dim == c.Dim && p.heads == c.Heads && p.depth == c.Depth && p.patch == c.Patch &&
			(p.classes == c.Classes || !f.byClasses) && c.Attention == d.Attention && c.Block == d.Block {
			return p.about
		}
	}
	return ""
}
