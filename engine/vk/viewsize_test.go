package vk

import "testing"

// TestViewSize: on llvmpipe no view has a size of which bits 8 to 15 are 0, and
// none reaches beyond what its buffer has behind its end; other devices, and
// buffers at a limit, have views of the size that was asked for.
func TestViewSize(t *testing.T) {
	const most = 1 << 30
	soft := Info{Name: "llvmpipe (LLVM 15.0.6, 256 bits)", MaxAllocation: most, MaxTexels: 1 << 27}
	card := soft
	card.Name = "NVIDIA H200"
	for _, size := range []int64{64, 255, 256, 4096, 65535, 65536, 65536 + 255, 65536 + 256, 768 * 768 * 4, 785 * 768 * 4, 64 << 20, most - viewStep} {
		got := viewSize(size, soft.viewRoom(size))
		if got>>8&0xff == 0 || got < size || got > size+soft.viewRoom(size) {
			t.Errorf("on llvmpipe a view of %d bytes has %d", size, got)
		}
		if got := viewSize(size, card.viewRoom(size)); got != size || card.viewRoom(size) != 0 {
			t.Errorf("on a card a view of %d bytes has %d", size, got)
		}
	}
	if got := viewSize(most, soft.viewRoom(most)); got != most || soft.viewRoom(most) != 0 {
		t.Errorf("a view of all that can be allocated, %d bytes, has %d", int64(most), got)
	}
}
