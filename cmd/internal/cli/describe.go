package cli

import (
	"cmp"
	"fmt"
)

// Describe names the flags on which outputs depend, for a run's header.
func (f *InputFlags) Describe() string {
	size := f.Size
	if size == "" {
		size = "model"
	}
	s := fmt.Sprintf("size=%s filter=%s positions=%s", size, cmp.Or(f.Filter, "model"), f.Positions)
	if f.Stored {
		s += " ignore-orientation"
	}
	return s
}

// Describe names the flags on which outputs depend, for a run's header.
func (f *DeviceFlags) Describe() string {
	s := "precision=" + f.Precision
	if f.Kernels != "" {
		s += " kernels=" + f.Kernels
	}
	if len(f.Without) > 0 {
		s += fmt.Sprint(" without=", f.Without)
	}
	if f.Bits != 0 {
		s += fmt.Sprint(" vector-bits=", f.Bits)
	}
	return s
}
