//go:build viewer

package shaders

import "embed"

//go:embed spv/view/*.spv
var viewCompiled embed.FS

// viewKernels compose what the window shows. Without the build tag viewer a binary
// has none of them.
func viewKernels() []*Kernel {
	return []*Kernel{
		{
			Name:     "view/maps",
			Variants: variants(""),
			Bindings: []Binding{in32("raw"), in32("which"), out32("maps")},
			Push:     consts("elements table"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops:  func(c Values, _ *Variant) int { return ceil(c("elements"), c("LANES")) * 32 },
			Shared: func(c Values, _ *Variant) int { return 8 * c("LANES") },
		},
		{
			Name:     "view/canvas",
			Variants: variants(""),
			Bindings: []Binding{in32("scene"), in32("maps"), out32("picture")},
			Push:     consts("canvas overlay x y width height photo labels tint colours palette map elements columns across down zero opacity ground"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
	}
}

func viewSPIRV(name string) ([]byte, error) { return viewCompiled.ReadFile("spv/" + name + ".spv") }
