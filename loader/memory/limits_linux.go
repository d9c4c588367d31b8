package memory

import (
	"os"
	"syscall"
)

func here() System {
	s := System{Root: os.DirFS("/"), AddressSpace: Unlimited}
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &r) == nil {
		s.AddressSpace = r.Cur
	}
	return s
}
