package drivers

import "runtime"

// multiarch is the name of Debian's folder of libraries for this processor.
func multiarch() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64-linux-gnu"
	case "arm64":
		return "aarch64-linux-gnu"
	case "riscv64":
		return "riscv64-linux-gnu"
	case "ppc64le":
		return "powerpc64le-linux-gnu"
	}
	return runtime.GOARCH + "-linux-gnu"
}

// debianArch is Debian's name of this processor.
func debianArch() string {
	if runtime.GOARCH == "ppc64le" {
		return "ppc64el"
	}
	return runtime.GOARCH
}
