package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// loaderMissing finds that no Vulkan loader can be opened.
func loaderMissing(ctx context.Context, m Machine) []Finding {
	if m.Load == nil {
		return nil
	}
	var first error
	for _, name := range vk.LoaderNames() {
		err := m.Load(ctx, name)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	name := vk.LoaderNames()[0]
	problem, remedy := m.explain(ctx, name, first)
	if remedy == "" || strings.Contains(first.Error(), name+": cannot open") && !m.only32(name) {
		remedy = vk.LoaderRemedy()
	}
	return []Finding{{Problem: "the Vulkan loader " + name + " " + problem, Remedy: remedy, Late: errors.Is(first, context.DeadlineExceeded)}}
}

// librariesFail finds drivers whose library does not load.
func librariesFail(ctx context.Context, m Machine) []Finding {
	if m.Load == nil {
		return nil
	}
	list := m.manifests(ctx)
	errs := make([]error, len(list))
	var tried sync.WaitGroup
	places := make(chan struct{}, 4) // as many at a time: each may be a process
	for i, x := range list {
		if x.problem != "" {
			continue
		}
		tried.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() == nil { // else it is another one that hangs
				errs[i] = m.Load(ctx, x.library)
			}
		})
	}
	tried.Wait()
	var found []Finding
	for i, x := range list {
		if errs[i] != nil {
			problem, remedy := m.explain(ctx, x.library, errs[i])
			if remedy == "" {
				remedy = "reinstall the driver that it belongs to"
			}
			found = append(found, Finding{Problem: fmt.Sprintf("the driver %s of the manifest %s %s", quote.Path(x.library), x, problem), Remedy: remedy, Late: errors.Is(errs[i], context.DeadlineExceeded)})
		}
	}
	return found
}

// The dynamic linker's words.
var (
	missingVersion = regexp.MustCompile("version [`'](GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)' not found")
	missingLibrary = regexp.MustCompile(`(\S+): cannot open shared object file: No such file`)
)

// packages are those of Debian that have libraries with which drivers are linked.
var packages = map[string]string{
	"libX11.so.6": "libx11-6", "libXext.so.6": "libxext6", "libX11-xcb.so.1": "libx11-xcb1", "libxcb.so.1": "libxcb1", "libXau.so.6": "libxau6",
	"libGLdispatch.so.0": "libglvnd0", "libEGL.so.1": "libegl1", "libwayland-client.so.0": "libwayland-client0", "libdrm.so.2": "libdrm2",
	"libdrm_amdgpu.so.1": "libdrm-amdgpu1", "libxshmfence.so.1": "libxshmfence1", "libz.so.1": "zlib1g", "libzstd.so.1": "libzstd1",
	"libexpat.so.1": "libexpat1", "libelf.so.1": "libelf1", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1",
}

// explain says what the system's words on a library mean, as the end of a sentence about
// it, and what to do; "" where nothing better is known than to install it again.
func (m Machine) explain(ctx context.Context, library string, err error) (problem, remedy string) {
	words := quote.Line(err.Error())
	problem = fmt.Sprintf("does not load: %s", words)
	if v := missingVersion.FindStringSubmatch(words); v != nil {
		what := "C library"
		if v[1] != "GLIBC" {
			what = "C++ library"
		}
		return problem, fmt.Sprintf("it was built for a newer system, whose %s has %s_%s: install the driver from this system's packages, or take an image at least as new as the driver's system", what, v[1], v[2])
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "has not loaded in time: it hangs, or the machine is very busy", m.again()
	}
	if strings.Contains(words, "wrong ELF class: ELFCLASS32") || m.only32(library) {
		return "is a 32-bit library, and this program has 64 bits: " + words, "install the driver for 64 bits (Debian: the package with :" + debianArch() + ")"
	}
	miss := missingLibrary.FindStringSubmatch(words)
	switch {
	case miss == nil:
		return problem, ""
	case filepath.Base(miss[1]) != filepath.Base(library):
		return problem, m.missing(miss[1])
	case strings.Contains(library, "nvidia"):
		return "is not there: " + words, m.nvidiaRemedy(ctx)
	}
	return "is not there: " + words, ""
}

// missing is the remedy for a library with which a driver is linked.
func (m Machine) missing(library string) string {
	switch name := packages[library]; name {
	case "":
		return "install the package that has " + quote.Name(library)
	case "libx11-6", "libxext6":
		// They are asked for one after the other, so both are named at once.
		return "the driver is linked with X's libraries, also where no X runs; Debian, Ubuntu: apt-get install libx11-6 libxext6; Fedora: dnf install libX11 libXext"
	default:
		return "Debian, Ubuntu: apt-get install " + name
	}
}

// libraryFolders are where a name is looked up, as far as the files of a usual system
// tell.
func (m Machine) libraryFolders() []string {
	return append(filepath.SplitList(m.env("LD_LIBRARY_PATH")), "/usr/local/nvidia/lib64", "/usr/local/lib", "/usr/lib/"+multiarch(), "/usr/lib64",
		"/usr/lib", "/lib/"+multiarch(), "/lib64", "/lib", "/usr/lib/i386-linux-gnu", "/usr/lib32", "/usr/lib/wsl/lib", "/run/opengl-driver/lib")
}

// copies are the files that a library's path or name may mean.
func (m Machine) copies(library string) []string {
	if filepath.IsAbs(library) {
		return m.glob(library)
	}
	var list []string
	for _, folder := range m.libraryFolders() {
		list = append(list, m.glob(filepath.Join(folder, library))...)
	}
	return list
}

// only32 reports that a library is there, and that each copy has 32 bits.
func (m Machine) only32(library string) bool {
	list := m.copies(library)
	for _, path := range list {
		if !is32(m.path(path)) {
			return false
		}
	}
	return len(list) > 0
}

// mostLibrary is the size in bytes up to which a library is opened, of which five are
// read; the largest drivers have some 200 MB.
const mostLibrary = 4 << 30

// is32 reports a 32-bit ELF file: the fifth byte is the class.
func is32(path string) bool {
	if strconv.IntSize == 32 {
		return false
	}
	f, _, err := regular.Open(path, mostLibrary)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [5]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && bytes.Equal(head[:], []byte("\x7fELF\x01"))
}

// LoadHere opens a library in this process, for Machine.Load where the loader has opened
// the same ones in vain. One that hangs is left behind when ctx ends.
func LoadHere(ctx context.Context, library string) error {
	done := make(chan error, 1)
	go func() { done <- vk.TryLibrary(library) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CanLoad says that this binary can open libraries: it was built with cgo.
const CanLoad = vk.CanLoad
