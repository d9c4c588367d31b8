//go:build !viewer

package shaders

import "io/fs"

func viewKernels() []*Kernel { return nil }

func viewSPIRV(string) ([]byte, error) { return nil, fs.ErrNotExist }
