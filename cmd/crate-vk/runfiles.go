package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// The names of the files of a whole run.
const (
	cocoName = "coco.json"
	pageName = "index.html"
)

// runFiles writes the files of the whole run: coco.json, index.html. They are
// made of the records, so that a run that went on has all images.
func (f *segmentFlags) runFiles(j *outputs.Journal, paths []string) error {
	if f.has("coco") {
		data, err := f.cocoFile(j, paths)
		if err != nil {
			return err
		}
		if err := j.WriteRun(cocoName, data); err != nil {
			return err
		}
	}
	if f.has("html") {
		data, err := gallery(j, paths)
		if err != nil {
			return err
		}
		if err := j.WriteRun(pageName, data); err != nil {
			return err
		}
	}
	return nil
}

// cocoFile is the class-agnostic annotation file of the run.
func (f *segmentFlags) cocoFile(j *outputs.Journal, paths []string) ([]byte, error) {
	form, err := coco.ParseForm(f.cocoForm)
	if err != nil {
		return nil, err
	}
	d := &coco.Dataset{Categories: []coco.Category{coco.Foreground()}}
	err = j.Each(paths, func(body []byte) error {
		var rec record
		if err := json.Unmarshal(body, &rec); err != nil {
			return err
		}
		if rec.Error != "" {
			return nil
		}
		id := int64(len(d.Images) + 1)
		d.Images = append(d.Images, coco.Image{ID: id, FileName: quote.Unescape(rec.Path), Width: rec.Width, Height: rec.Height})
		for _, m := range rec.Masks {
			rle, err := readSegmentation(m.Segmentation)
			if err != nil {
				return fmt.Errorf("%s: %w", rec.Path, err)
			}
			if m.Area > 0 {
				d.Annotations = append(d.Annotations, coco.NewAnnotation(int64(len(d.Annotations)+1), id, rle, m.Score))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = d.Write(&b, coco.Info{Description: "crate-vk segment", Version: cli.Version()}, form)
	return b.Bytes(), err
}

func readSegmentation(raw json.RawMessage) (coco.RLE, error) {
	var s struct {
		Size   [2]int `json:"size"`
		Counts string `json:"counts"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return coco.RLE{}, err
	}
	return coco.ParseCompressed(s.Size[0], s.Size[1], s.Counts)
}

// gallery is a page that shows the overlays of the run.
func gallery(j *outputs.Journal, paths []string) ([]byte, error) {
	type card struct {
		Path, Overlay, Note string
		Masks               []string
	}
	var cards []card
	failed := 0
	err := j.Each(paths, func(body []byte) error {
		var rec record
		if err := json.Unmarshal(body, &rec); err != nil {
			return err
		}
		c := card{Path: rec.Path, Note: fmt.Sprintf("%d × %d px", rec.Width, rec.Height)}
		if rec.Error != "" {
			failed++
			c.Note = rec.Error
		}
		for _, o := range rec.Outputs {
			switch {
			case strings.HasSuffix(o.Name, ".overlay.png") && c.Overlay == "":
				c.Overlay = link(quote.Unescape(o.Name))
			case strings.HasSuffix(o.Name, ".mask.png"):
				c.Masks = append(c.Masks, link(quote.Unescape(o.Name)))
			}
		}
		if n := len(rec.Masks); n > 1 {
			c.Note += fmt.Sprintf(", %d masks", n)
		}
		cards = append(cards, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = page.Execute(&b, map[string]any{"Cards": cards, "Failed": failed})
	return b.Bytes(), err
}

// link is a relative link to an output.
func link(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = template.URLQueryEscaper(p)
		parts[i] = strings.ReplaceAll(parts[i], "+", "%20")
	}
	return "./" + path.Join(parts...)
}

var page = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>crate-vk: {{len .Cards}} images</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
figure { margin: 0; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #8883; border-radius: 4px; display: block; }
figcaption { margin-top: .3rem; overflow-wrap: anywhere; }
small { opacity: .7; display: block; }
</style>
<h1>{{len .Cards}} images</h1>
<p>Outlined is what was found.{{if .Failed}} {{.Failed}} images failed.{{end}}</p>
<main>
{{range .Cards}}<figure>
{{if .Overlay}}<a href="{{.Overlay}}"><img loading="lazy" src="{{.Overlay}}" alt="overlay of {{.Path}}"></a>{{end}}
<figcaption>{{.Path}}<small>{{.Note}}{{range .Masks}} · <a href="{{.}}">mask</a>{{end}}</small></figcaption>
</figure>
{{end}}</main>
</html>
`))
