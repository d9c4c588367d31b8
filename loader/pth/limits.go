package pth

// Bounds on what a file may ask for. Real checkpoints stay far below: the full
// training state of a 24-layer DINO (teacher, student, AdamW) has 3,000 tensors,
// 120,000 operations and 600 KB of pickle.
const (
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
	maxTensors = 1 << 16
	maxRank    = 16
	maxName    = 1024 // bytes of a dotted path

	maxMetadata = 1024 // values kept beside the tensors
	maxValue    = 4096 // bytes of such a value

	// A tensor may be larger than its storage (stride 0 repeats elements), and
	// several may share one. Beyond what their storage holds, or expandFactor
	// times the file for all together, they get expandBytes.
	expandFactor = 8
	expandBytes  = 16 << 20
)
