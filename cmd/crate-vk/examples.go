package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are the lines that helps show, by command; a test parses each of them.
func examples() map[string]string {
	return map[string]string{
		"segment": `
crate-vk segment photos/                                    # masks and overlays, into crate-vk-out
crate-vk segment --format mask,html --refine guided photos/ # along the image's edges, with a page to look at
crate-vk segment --method maskcut --objects 3 --out objects photos/
crate-vk segment --model crate.safetensors --size native --out fine photos/`,
		"features": `
crate-vk features photos/                                   # what the papers read, as safetensors
crate-vk features --facets key,cls --layers 4,5 --format npz --out keys photos/`,
		"classify": `
crate-vk classify --top 3 photos/
crate-vk classify --json photos/                            # a JSON line an image`,
		"analyze": `
crate-vk analyze photos/                                    # a table: coding rate and sparsity by layer
crate-vk analyze --out curves photos/                       # and CSV, JSON and charts`,
		"sheet": `
crate-vk sheet --columns image,heads,mask --out heads.png photos/`,
		"eval": `
crate-vk eval masks --truth truth/ photos/                  # against true masks, PNGs named like the images`,
		"eval masks": `
crate-vk eval masks --truth truth/ photos/                  # segment's masks against true ones
crate-vk eval masks --truth truth/ --baselines photos/      # beside a box, Otsu's threshold, the whole image
crate-vk eval masks --truth truth/ --masks crate-vk-out/    # masks that are there`,
		"eval voc": `
crate-vk eval voc --truth VOC2012/ --model crate.safetensors`,
		"eval coco": `
crate-vk eval coco --truth coco/ --limit 500 --model crate.safetensors`,
		"info": `
crate-vk info crate.safetensors                             # a file: safetensors, an index, or PyTorch's
crate-vk info crate-b16 --size 448                          # a published geometry, at another size`,
		"info presets": `
crate-vk info presets`,
		"convert": `
crate-vk convert crate.pth crate.safetensors --heads 4      # the heads are what no file's shapes tell`,
		"devices": `
crate-vk devices
crate-vk devices --why                                      # what stands between this program and a GPU`,
		"doctor": `
crate-vk doctor                                             # what to look at first, and to send with a report`,
		"verify": `
crate-vk verify                                             # each kernel, then the embedded model
crate-vk verify --model crate-b16 --device 1`,
		"bench": `
crate-vk bench --model crate-b16 --batch 1,8                # rows of a table
crate-vk bench --model crate-b16,vit-b16 --format csv       # side by side`,
		"bench ceilings": `
crate-vk bench ceilings`,
		"bench maskcut": `
crate-vk bench maskcut --objects 3`,
		"bench pipeline": `
crate-vk bench pipeline --images 50 --format mask           # from files to files`,
		"bench product": `
crate-vk bench product --tokens 197 --inner 768 --columns 768`,
		"tune": `
crate-vk tune --model crate-b16 --seconds 60                # later runs take what was the fastest`,
		"compile": `
crate-vk compile --model crate-b16 --device baseline        # the plan, without a device
crate-vk compile --model crate-b16 --dump stages            # every stage as text`,
		"kernels": `
crate-vk kernels --json                                     # registers, spills and code size, where the driver tells`,
		"version": `
crate-vk version`,
	}
}

// exemplify gives each command its examples.
func exemplify(root *cobra.Command) {
	for path, text := range examples() {
		if c, rest, err := root.Find(strings.Fields(path)); err == nil && len(rest) == 0 {
			c.Example = strings.TrimPrefix(text, "\n")
		}
	}
}
