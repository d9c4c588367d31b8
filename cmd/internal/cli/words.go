package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
)

// Words are what flags take that take one of a few words, or several of them with
// commas between. A flag of one command that differs from others of its name stands
// with the command's. They are checked, completed and suggested from here.
func Words() map[string][]string {
	return map[string][]string{
		"method":      {"attention", "maskcut", "pca"},
		"upsample":    {"nearest", "bilinear"},
		"mode":        {"reference", "strict", "tokencut"},
		"descriptors": {"key", "input"},
		"variant":     {"code", "paper"},
		"refine":      {"none", "guided", "crf"},
		"filter":      {"nearest", "bilinear", "bicubic", "lanczos"},
		"positions":   {"exact", "demo"},
		"precision":   {"fp32", "fp16"},
		"kernels":     {"lanes", "tiles", "plain"},
		"branch":      branches(),
		"pool":        {crate.PoolClass, crate.PoolMean},
		"coco-form":   {"compressed", "uncompressed", "polygons"},
		"facets":      facets(),
		"protocol":    {"paper", "dino"},
		"foreground":  {"auto", "bright", "nonzero", "dark"},
		"channel":     {"auto", "colour", "alpha"},
		"columns":     {"image", "heat", "mask", "overlay", "truth", "heads", "hues", "maskcut"},
		"by":          {"wall", "cpu"},

		"crate-vk segment --format":        {"mask", "overlay", "json", "heat", "heads", "npz", "safetensors", "coco", "yolo", "labelme", "html"},
		"crate-vk bench pipeline --format": {"mask", "overlay", "json", "heat", "heads", "npz", "safetensors", "coco", "yolo", "labelme", "html"},
		"crate-vk features --format":       {"safetensors", "npz"},
		"crate-vk bench --format":          {"md", "csv", "json", "jsonl", "sql", "gobench"},
		"crate-vk bench product --columns": nil, // a number
		"crate-vk-view --method":           {"none", "attention", "maskcut", "pca"},
		"crate-vk-view --show":             {"attention", "keys", "class"},
		"crate-vk-view --colours":          {"viridis", "grey", "hot", "diverging"},
	}
}

func branches() (list []string) {
	for _, b := range crate.Branches() {
		list = append(list, string(b))
	}
	return list
}

func facets() (list []string) {
	for _, f := range readout.AllFacets() {
		list = append(list, string(f))
	}
	return list
}

// WordsOf are those that a command's flag takes; nil where it takes others, too.
func WordsOf(c *cobra.Command, flag string) []string {
	if list, ok := Words()[c.CommandPath()+" --"+flag]; ok {
		return list
	}
	return Words()[flag]
}

// CheckWords refuses words that flags don't take, and suggests one that is written
// like them.
func CheckWords(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		list := WordsOf(c, f.Name)
		if err != nil || list == nil {
			return
		}
		for _, word := range wordsIn(f) {
			if !slices.Contains(list, word) && (word != "" || f.DefValue != "") {
				err = Usage(fmt.Errorf("--%s is %q, want %s%s", f.Name, word, either(list, several(f)), didYouMean(Nearest(word, list))))
				return
			}
		}
	})
	return err
}

// several says that a flag takes words with commas between.
func several(f *pflag.Flag) bool { return strings.HasSuffix(f.Value.Type(), "Slice") }

// wordsIn are a flag's words.
func wordsIn(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// either lists words: a, b or c; of a flag that takes several: some of a, b, c.
func either(list []string, several bool) string {
	last := len(list) - 1
	switch {
	case several:
		return "some of " + strings.Join(list, ", ")
	case last < 1:
		return strings.Join(list, "")
	}
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
