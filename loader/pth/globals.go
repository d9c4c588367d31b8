package pth

import "github.com/crate-vk/crate-vk/loader/weights"

// kind says what a global does when the pickle calls it.
type kind uint8

const (
	kindInert     kind = iota // gives a value without content
	kindDict                  // an empty dictionary, or one of the argument's pairs
	kindObject                // an empty object; its attributes follow
	kindSize                  // torch.Size: its argument
	kindStorage               // isn't called: names the element type of a storage
	kindTensor                // (storage, offset, shape, strides, ...)
	kindParameter             // (tensor, ...): the tensor
	kindTyped                 // (function, type, arguments, state): function(*arguments)
)

// find returns what a Python name stands for. Names of Python 2 and 3 are both in
// use: a pickle of protocol 2 has the former, whatever wrote it.
func find(module, name string) (*global, bool) {
	k, d := kindInert, weights.DType("")
	switch module + " " + name {
	default:
		return nil, false

	case "torch FloatStorage":
		k, d = kindStorage, weights.F32
	case "torch HalfStorage":
		k, d = kindStorage, weights.F16
	case "torch BFloat16Storage":
		k, d = kindStorage, weights.BF16
	case "torch DoubleStorage":
		k, d = kindStorage, weights.F64
	case "torch LongStorage":
		k, d = kindStorage, "I64"
	case "torch IntStorage":
		k, d = kindStorage, "I32"
	case "torch ShortStorage":
		k, d = kindStorage, "I16"
	case "torch CharStorage":
		k, d = kindStorage, "I8"
	case "torch ByteStorage":
		k, d = kindStorage, "U8"
	case "torch BoolStorage":
		k, d = kindStorage, "BOOL"
	case "torch ComplexFloatStorage":
		k, d = kindStorage, "C64"

	case "torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2":
		k = kindTensor
	case "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state":
		k = kindParameter
	case "torch._tensor _rebuild_from_type_v2":
		k = kindTyped
	case "torch Tensor", "torch.nn.parameter Parameter": // the type in kindTyped
	case "torch Size":
		k = kindSize

	case "collections OrderedDict", "collections defaultdict", "collections Counter", "__builtin__ dict", "builtins dict":
		k = kindDict
	case "argparse Namespace", "types SimpleNamespace":
		k = kindObject

	// What training scripts leave beside the tensors: settings, best scores, devices.
	case "torch device",
		"torch float16", "torch bfloat16", "torch float32", "torch float64",
		"torch uint8", "torch int8", "torch int16", "torch int32", "torch int64", "torch bool",
		"numpy dtype", "numpy ndarray",
		"numpy.core.multiarray scalar", "numpy.core.multiarray _reconstruct",
		"numpy._core.multiarray scalar", "numpy._core.multiarray _reconstruct",
		"_codecs encode", // bytes in protocol 2
		"pathlib Path", "pathlib PosixPath", "pathlib PurePosixPath", "pathlib WindowsPath", "pathlib PureWindowsPath",
		"__builtin__ list", "__builtin__ set", "__builtin__ frozenset", "__builtin__ tuple",
		"__builtin__ int", "__builtin__ long", "__builtin__ float", "__builtin__ bool", "__builtin__ complex",
		"__builtin__ str", "__builtin__ unicode", "__builtin__ bytes", "__builtin__ bytearray", "__builtin__ slice", "__builtin__ xrange",
		"builtins list", "builtins set", "builtins frozenset", "builtins tuple",
		"builtins int", "builtins float", "builtins bool", "builtins complex",
		"builtins str", "builtins bytes", "builtins bytearray", "builtins slice", "builtins range":
	}
	return &global{k, d}, true
}
