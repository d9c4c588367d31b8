package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/eval"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// evalVOCFlags of eval voc.
type evalVOCFlags struct {
	evalFlags
	attention cli.AttentionFlags
	split     string
	protocol  string
}

func (a *app) evalVOC() *cobra.Command {
	var f evalVOCFlags
	c := &cobra.Command{
		Use:   "voc --truth DIR",
		Short: "Score attention heads on PASCAL VOC",
		Long: `eval voc makes a mask of each head's attention and takes, for each class in an
image, the best head's Jaccard index, as the papers do: an oracle. Beside it
stands the same with one head for all images. Two protocols differ in what the
papers leave open:

  paper  over the patches of the model's grid, at its native size, keep mass:0.6;
         void pixels count for nothing. A patch has the label at its centre
  dino   the public script: images at 512×512, masks and labels compared there,
         keep mass:0.9, and void pixels count as not of the class

--layer, --keep and --size change them. --truth is VOC2012, or what holds it.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runEvalVOC(cmd.Context(), &f) },
	}
	s := c.Flags()
	f.register(s, "`DIR` in the layout of PASCAL VOC")
	s.StringVar(&f.split, "set", "val", "which list of images: ImageSets/Segmentation/`NAME`.txt")
	s.StringVar(&f.protocol, "protocol", "paper", "paper or dino")
	s.IntVar(&f.limit, "limit", 0, "score the first `N` images; 0 is all")
	f.attention.RegisterLayer(s)
	s.StringVar(&f.attention.Keep, "keep", "", "`mass:S|count:S`: keep that share of the attention, or of the patches; default: the protocol's")
	f.registerRun(s)
	return c
}

func (a *app) runEvalVOC(ctx context.Context, f *evalVOCFlags) error {
	for _, check := range []func() error{f.evalFlags.check, f.attention.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	protocol, err := eval.ParseProtocol(f.protocol)
	if err != nil {
		return cli.Usage(fmt.Errorf("--protocol: %w", err))
	}
	voc, err := eval.OpenVOC(f.truth, f.split)
	if err != nil {
		return cli.Usage(err)
	}
	if f.limit > 0 && f.limit < len(voc.IDs) {
		voc.IDs = voc.IDs[:f.limit]
	}
	if f.attention.Keep == "" {
		f.attention.Keep = map[string]string{"paper": "mass:0.6", "dino": "mass:0.9"}[protocol.Name]
	}
	f.attention.Upsample = "nearest"
	if protocol.Side > 0 && f.input.Size == "" {
		f.input.Size = fmt.Sprint(protocol.Side)
	}
	s, err := a.loadFor(ctx, &f.evalFlags)
	if err != nil {
		return err
	}
	defer s.close()
	o, err := f.attention.Options(s.m, &f.input)
	if err != nil {
		return err
	}
	o.HeadMaps = true
	result, err := voc.Score(ctx, protocol, s.vocMasks(ctx, f, voc, protocol, o))
	if err != nil {
		return err
	}
	settings := fmt.Sprintf("protocol=%s set=%s images=%d %s %s %s", protocol.Name, f.split, len(voc.IDs), o.Options, f.input.Describe(), f.device.Describe())
	if err := a.print(&f.evalFlags, s, settings, result); err != nil {
		return err
	}
	return incomplete(len(result.Failed) + len(result.Missing))
}

// vocMasks are the masks of each image's heads, of the size that the protocol
// compares at.
func (s *session) vocMasks(ctx context.Context, f *evalVOCFlags, voc *eval.VOC, p eval.Protocol, o engine.AttentionOptions) iter.Seq2[eval.Candidates, error] {
	return func(yield func(eval.Candidates, error) bool) {
		var tasks []task
		for _, id := range voc.IDs {
			tasks = append(tasks, task{path: voc.ImagePath(id), rel: id + ".jpg"})
		}
		left := fmt.Errorf("the scorer left")
		run := &sweep[*engine.Segmentation]{app: s.app, tasks: tasks, decode: f.input.Decode()}
		run.model, run.read = s.m, engine.Attention(o)
		run.use = func(t task, item engine.Item[*engine.Segmentation]) error {
			c := eval.Candidates{ID: stem(t.rel)}
			if item.Err == nil {
				for _, m := range item.Value.Heads {
					c.Masks = append(c.Masks, vocMask(item.Frame, m, o.Options, p.Side))
				}
			}
			if !yield(c, item.Err) {
				return left
			}
			return nil
		}
		if err := run.run(ctx); err != nil && err != left && !partly(err) {
			yield(eval.Candidates{ID: stem(tasks[0].rel)}, err)
		}
	}
}

// vocMask keeps part of a head's map: the grid itself, or enlarged to a square.
func vocMask(frame readout.Frame, m []float64, o readout.Options, side int) *picture.Gray {
	if side > 0 {
		frame.ImageWidth, frame.ImageHeight = side, side
		mask, _ := frame.Attention(m, o)
		return gray(mask)
	}
	cells, rows, columns, _ := frame.AttentionCells(m, o)
	out := picture.NewGray(columns, rows)
	for i, in := range cells {
		if in {
			out.Pix[i] = 255
		}
	}
	return out
}
