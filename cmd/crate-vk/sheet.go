package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/eval"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/engine"
)

// sheetFlags of sheet.
type sheetFlags struct {
	model     cli.ModelFlags
	device    cli.DeviceFlags
	input     cli.InputFlags
	source    sourceFlags
	attention cli.AttentionFlags
	cut       cli.MaskCutFlags
	finish    cli.FinishFlags
	columns   []string
	truth     string
	side      int
	rows      int
}

// The columns of a sheet.
const (
	columnImage   = "image"
	columnHeat    = "heat"
	columnMask    = "mask"
	columnOverlay = "overlay"
	columnTruth   = "truth"
	columnHeads   = "heads"
	columnHues    = "hues"
	columnMaskCut = "maskcut"
)

func sheetColumns() []string {
	return []string{columnImage, columnHeat, columnMask, columnOverlay, columnTruth, columnHeads, columnHues, columnMaskCut}
}

func (a *app) sheet() *cobra.Command {
	var f sheetFlags
	c := &cobra.Command{
		Use:   "sheet [flags] PATH...",
		Short: "Draw a contact sheet of images, attention, masks and heads",
		Long: `sheet draws a table of pictures, a row an image, into one PNG:

  image    the image                   heads    a heat map of each head: what one head
  heat     the attention that is read           finds in image after image
  mask     the mask                    hues     all heads over the image, a hue each
  overlay  the mask over the image     maskcut  MaskCut's objects over the image
  truth    the true mask of --truth`,
		Args: f.source.args,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runSheet(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.Register(s, true)
	s.StringVarP(&f.source.out, "out", "o", "sheet.png", "write the sheet to `FILE`")
	s.StringSliceVar(&f.columns, "columns", []string{columnImage, columnHeat, columnMask, columnOverlay}, "which, in this order: "+strings.Join(sheetColumns(), ", "))
	s.StringVar(&f.truth, "truth", "", "`DIR` of true masks, PNGs named like the images")
	s.IntVar(&f.side, "side", 160, "pictures fit a square of `N` pixels")
	s.IntVar(&f.rows, "rows", 40, "show the first `N` images")
	f.attention.RegisterLayer(s)
	f.attention.RegisterKeep(s, "")
	s.StringVar(&f.attention.Head, "head", "", "`N|mean`: the head that is read; default: the model's own")
	f.cut.Register(s, "maskcut: ", 3)
	f.finish.Register(s)
	f.source.registerList(s)
	f.input.Register(s)
	f.device.RegisterJobs(s)
	f.device.Register(s)
	return c
}

func (f *sheetFlags) has(column string) bool { return slices.Contains(f.columns, column) }

func (f *sheetFlags) check() error {
	if len(f.columns) == 0 {
		return cli.Usage(fmt.Errorf("--columns is empty, want some of %s", strings.Join(sheetColumns(), ", ")))
	}
	if f.has(columnTruth) != (f.truth != "") {
		return cli.Usage(fmt.Errorf("the column truth and --truth DIR need each other"))
	}
	if f.attention.Head == "each" {
		return cli.Usage(fmt.Errorf("--head each is the column heads of a sheet"))
	}
	for _, check := range []func() error{f.attention.Check, f.finish.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// sheetRow is what is known of one image so far.
type sheetRow struct {
	task task
	cell map[string][]image.Image // by column
	err  error
}

func (a *app) runSheet(ctx context.Context, f *sheetFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	tasks, err := f.source.list(ctx, a, args)
	if err != nil {
		return err
	}
	if err := cli.NotOver(f.source.out, append(f.model.Files(), paths(tasks)...)...); err != nil {
		return err
	}
	if n := len(tasks); n > f.rows {
		a.log.Info(fmt.Sprintf("the sheet shows the first %d of %d images (--rows)", f.rows, n))
		tasks = tasks[:f.rows]
	}
	truth, err := truthFiles(ctx, f.truth)
	if err != nil {
		return err
	}
	for _, m := range truth {
		if err := cli.NotOver(f.source.out, m.Path); err != nil {
			return err
		}
	}
	s, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer s.close()
	reading, err := eval.SurveyFolder(ctx, slices.Collect(maps.Values(truth)), eval.MaskRule{})
	if err != nil {
		return cli.Usage(err)
	}
	d := &sheetDrawing{session: s, f: f, sheet: show.Sheet{Side: f.side}, truth: truth, reading: reading}
	failed := d.attention(ctx, tasks)
	if failed != nil && !partly(failed) {
		return failed
	}
	if f.has(columnMaskCut) {
		if err := d.maskCut(ctx, tasks); err != nil && !partly(err) {
			return err
		}
	}
	return d.write(failed)
}

// sheetDrawing is a sheet in the making.
type sheetDrawing struct {
	*session
	f       *sheetFlags
	sheet   show.Sheet
	truth   map[string]eval.MaskFile
	reading eval.Reading // of the truth
	rows    []*sheetRow
}

// attention fills all columns that one run over the images gives.
func (d *sheetDrawing) attention(ctx context.Context, tasks []task) error {
	o, err := d.f.attention.Options(d.m, &d.f.input)
	if err != nil {
		return err
	}
	o.KeepPicture, o.Finish = true, d.f.finish.Finish()
	o.HeadMaps = d.f.has(columnHeads) || d.f.has(columnHues)
	p := &sweep[*engine.Segmentation]{app: d.app, tasks: tasks, decode: d.f.input.Decode()}
	p.model, p.read = d.m, engine.Attention(o)
	p.use = func(t task, item engine.Item[*engine.Segmentation]) error {
		row := &sheetRow{task: t, err: item.Err}
		d.rows = append(d.rows, row)
		if item.Err == nil {
			row.cell = d.cells(ctx, t, item)
		}
		return nil
	}
	return p.run(ctx)
}

// cells draws the pictures of an image.
func (d *sheetDrawing) cells(ctx context.Context, t task, item engine.Item[*engine.Segmentation]) map[string][]image.Image {
	frame, p := item.Frame, item.Picture
	size := d.sheet.Fit(image.Pt(p.Width, p.Height))
	heat := func(m []float64) image.Image { return show.HeatMap(m, frame.Rows, frame.Columns, size.X, size.Y) }
	var masks []*readout.Mask
	for _, obj := range item.Value.Objects {
		masks = append(masks, obj.Mask)
	}
	cell := map[string][]image.Image{columnImage: {show.RGBA(p)}, columnTruth: {d.trueMask(ctx, t)}}
	if d.f.has(columnHeat) && len(item.Value.Objects) > 0 {
		cell[columnHeat] = []image.Image{heat(item.Value.Objects[0].Map)}
	}
	if d.f.has(columnMask) {
		all := readout.Mask{Width: p.Width, Height: p.Height, Pix: make([]uint8, p.Width*p.Height)}
		for _, m := range masks {
			for i, p := range m.Pix {
				all.Pix[i] |= p
			}
		}
		cell[columnMask] = []image.Image{all.Gray()}
	}
	if d.f.has(columnOverlay) {
		cell[columnOverlay] = []image.Image{paint.Overlay(p, masks)}
	}
	if d.f.has(columnHeads) {
		for _, m := range item.Value.Heads {
			cell[columnHeads] = append(cell[columnHeads], heat(m))
		}
	}
	if d.f.has(columnHues) {
		cell[columnHues] = []image.Image{show.Heads(p, item.Value.Heads, frame.Rows, frame.Columns)}
	}
	return cell
}

// trueMask is the image's mask in --truth, or nil.
func (d *sheetDrawing) trueMask(ctx context.Context, t task) image.Image {
	file, ok := d.truth[stem(t.rel)]
	if !ok {
		if d.f.truth != "" {
			d.log.Warn(fmt.Sprintf("%s has no mask in %s", printable(t.rel), printable(d.f.truth)))
		}
		return nil
	}
	m, err := eval.ReadMask(ctx, file.Path, d.reading)
	if err != nil {
		d.log.Warn(err.Error())
		return nil
	}
	return &image.Gray{Pix: m.Pix, Stride: m.Width, Rect: image.Rect(0, 0, m.Width, m.Height)}
}

// maskCut fills its column, which needs a run of its own: other tensors, and by
// its authors another filter.
func (d *sheetDrawing) maskCut(ctx context.Context, tasks []task) error {
	input := d.f.input
	if !cli.Changed(d.f.model.Set, "filter") {
		input.Filter = "lanczos"
	}
	layer := d.f.attention.Layer
	if strings.Contains(layer, ",") {
		layer = ""
	}
	read, _, err := d.f.cut.Readout(d.m, &input, layer, true, d.f.finish.Finish())
	if err != nil {
		return err
	}
	at := 0
	p := &sweep[*engine.Segmentation]{app: d.app, tasks: tasks, decode: input.Decode()}
	p.model, p.read = d.m, read
	p.use = func(_ task, item engine.Item[*engine.Segmentation]) error {
		row := d.rows[at]
		at++
		if item.Err != nil || row.err != nil {
			return nil
		}
		var masks []*readout.Mask
		for _, obj := range item.Value.Objects {
			masks = append(masks, obj.Mask)
		}
		row.cell[columnMaskCut] = []image.Image{paint.Overlay(item.Picture, masks)}
		return nil
	}
	return p.run(ctx)
}

// write lays out what was drawn. A failed image keeps an empty row, so that
// rows and images go together.
func (d *sheetDrawing) write(failed error) error {
	widths := map[string]int{columnHeads: d.src.Config.Heads}
	for _, c := range d.f.columns {
		if c != columnHeads {
			d.sheet.Titles = append(d.sheet.Titles, c)
			continue
		}
		for k := range d.src.Config.Heads {
			d.sheet.Titles = append(d.sheet.Titles, fmt.Sprint("head ", k))
		}
	}
	for _, row := range d.rows {
		var list []image.Image
		for _, c := range d.f.columns {
			cells := slices.Clone(row.cell[c])
			for len(cells) < max(widths[c], 1) {
				cells = append(cells, nil)
			}
			list = append(list, cells...)
		}
		if row.err != nil {
			list[0] = failedCell(d.f.side, row)
		}
		d.sheet.Add(list...)
	}
	data, err := paint.Encode(d.sheet.Draw())
	if err != nil {
		return err
	}
	if err := writeBytes(d.f.source.out, data); err != nil {
		return err
	}
	d.log.Info("wrote " + d.f.source.out)
	return failed
}

// failedCell says in the sheet which image is missing.
func failedCell(side int, row *sheetRow) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, side, side/2))
	for i := range out.Pix {
		out.Pix[i] = 235
	}
	show.Label(out, image.Pt(side/16, side/8), side-side/8, max(float64(side)/12, 8), "failed:", color.Black)
	show.Label(out, image.Pt(side/16, side/8+show.LineHeight(max(float64(side)/12, 8))), side-side/8, max(float64(side)/12, 8), printable(row.task.rel), color.Black)
	return out
}
