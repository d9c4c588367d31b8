package pth

// Bounds on what a file may ask for. Real checkpoints stay far below: the training
// state of a ViT of 24 layers (student, teacher, AdamW) was measured to have 1,440
// tensors, 47,000 operations and 142 KB of pickle.
const (
	maxFile   = 1 << 36 // 64 GiB
	maxPickle = 8 << 20 // bytes of all pickles together
	// maxOps bounds time, and memory: an operation allocates at most some 50
	// bytes besides the bytes of the pickle that it copies.
	maxOps    = 1 << 19
	maxStack  = 1 << 16 // values; pickle hands items on in batches of 1,000
	maxMarks  = 256     // nested opened containers
	maxMemo   = 1 << 18 // values that are referred to again
	maxString = 1 << 20
	maxLine   = 256 // a module's or class's name

	maxEntries   = 1 << 16 // of a zip archive
	maxDirectory = 8 << 20 // bytes of its directory

	maxDepth   = 64      // of nested containers, from the root
	maxNodes   = 1 << 19 // values seen from the root: containers can be shared, and multiply
	maxTensors = 1 << 15
	maxRank    = 16
	maxName    = 512 // bytes of a dotted path

	maxMetadata = 1024 // values kept beside the tensors
	maxValue    = 4096 // bytes of such a value

	// A tensor may be larger than its storage (stride 0 repeats elements), and
	// several may share one. Beyond what their storage holds, or expandFactor
	// times the file for all together, they get expandBytes.
	expandFactor = 8
	expandBytes  = 8 << 20
)
