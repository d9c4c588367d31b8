package vk

import "strings"

// viewStep is by how many bytes a texel view reaches further where its size needs it.
const viewStep = 256

// viewSize is the size in bytes that a texel view of so many is made with, in a buffer
// with so much room behind its end.
//
// llvmpipe of Mesa 22.3 keeps the size of a buffer's view where an image's view has
// the number of its last mipmap level, and asks of every view whether that is 0:
// that is, whether bits 8 to 15 of the size are. It compiles a kernel anew for each
// combination of answers among the kernel's views, though nothing follows from them. A
// product of B/8 was so compiled twice before the first image, for the weights of
// the self-test and for the model's own. Here the answer is no for every view.
func viewSize(size, room int64) int64 {
	if size>>8&0xff == 0 {
		return size + room
	}
	return size
}

// viewRoom is what a buffer of so many bytes has behind its end for the views of
// its last bytes.
func (i *Info) viewRoom(size int64) int64 {
	const texel = 8 // bytes of the smallest
	if !strings.HasPrefix(i.Name, "llvmpipe") || size+viewStep > min(i.MaxAllocation, i.MaxTexels*texel) {
		return 0
	}
	return viewStep
}
