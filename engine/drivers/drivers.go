// Package drivers says what stands between a program and a machine's GPUs: a loader or
// a driver that is missing or does not load, a GPU that a container was not given, a node
// in /dev that the user may not open. Each finding names the thing and the remedy.
//
// A GPU is reached through three parts that are installed apart: the kernel's driver,
// which makes nodes in /dev; the Vulkan driver, a shared library that a manifest names, a
// small JSON file in a folder such as /usr/share/vulkan/icd.d; and the Vulkan loader,
// libvulkan.so.1, which reads the manifests and opens the libraries.
//
// The promise of compatibility that package engine makes does not cover it.
package drivers

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// Machine is what the checks look at. The zero value is this machine, seen from its
// files alone.
type Machine struct {
	System string                  // as runtime.GOOS names it; "": this one's
	Root   string                  // the folder where /dev, /sys, /etc and /usr lie; "": /
	Getenv func(string) string     // nil: os.Getenv
	Use    func(node string) error // opens a node for reading and writing, and closes it; nil: so it does
	// Load opens a shared library, by path or by name; the error has the system's words.
	// nil: no library is tried. It may run code of drivers that hang or crash, so whoever
	// has a process to spare loads in that one.
	Load func(ctx context.Context, library string) error
}

// Finding is one thing that stands in the way.
type Finding struct {
	Check   string `json:"check"`   // which check found it
	Problem string `json:"problem"` // a sentence without full stop
	Remedy  string `json:"remedy"`  // what to do, likewise
	// Harmless says that it stands in nobody's way where Vulkan reports a GPU all the same.
	Harmless bool `json:"-"`
	// Late says that a library was waited for in vain. Where Vulkan lists devices all the
	// same the machine was busy, for the loader has loaded each.
	Late bool `json:"-"`
}

func (f Finding) String() string { return f.Problem + " (" + f.Remedy + ")" }

// check is one question to a machine.
type check struct {
	name string
	find func(context.Context, Machine) []Finding
}

// checks are in the order in which findings are told: the nearest cause first.
func checks() []check {
	return []check{
		{"loader", loaderMissing},
		{"manifests", manifestsBroken},
		{"libraries", librariesFail},
		{"filter", driversFiltered},
		{"nvidia-container", nvidiaInContainer},
		{"nvidia-versions", nvidiaVersions},
		{"wsl", wslDriver},
		{"permission", nodesClosed},
		{"nodes", nodesMissing},
		{"drivers", driversMissing},
	}
}

// Check asks every question, all at once, and returns the findings in the order of
// their checks. A check that has not answered when ctx ends is a finding itself. On
// other systems than Linux the loader alone is looked at.
func (m Machine) Check(ctx context.Context) []Finding {
	list := checks()
	if m.system() != "linux" {
		list = list[:1]
	}
	inside, cancel := sooner(ctx)
	defer cancel()
	answers := make([]chan []Finding, len(list))
	for i, c := range list {
		answers[i] = make(chan []Finding, 1)
		go func() { answers[i] <- c.find(inside, m) }()
	}
	var all []Finding
	for i, c := range list {
		found, ended := answer(ctx, answers[i])
		if !ended {
			all = append(all, Finding{Check: c.name, Problem: "looking for " + c.name + " has not ended in time: a device or a file system does not answer, or the machine is very busy", Remedy: m.again(), Late: c.name == "loader" || c.name == "libraries"})
		}
		earlier := all
		for _, f := range found {
			// Two checks that come to the same remedy have seen the same thing.
			if !slices.ContainsFunc(earlier, func(e Finding) bool { return e.Remedy == f.Remedy }) {
				f.Check = c.name
				all = append(all, f)
			}
		}
	}
	return all
}

// sooner ends a tenth before ctx does, so that a check that waited in vain for something
// can still say so.
func sooner(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-time.Until(end)/10))
}

// answer is what comes from a check until ctx ends.
func answer(ctx context.Context, from chan []Finding) (found []Finding, ended bool) {
	select {
	case found = <-from:
		return found, true
	case <-ctx.Done():
	}
	select { // it may have answered at the last moment
	case found = <-from:
		return found, true
	default:
		return nil, false
	}
}

func (m Machine) system() string {
	if m.System == "" {
		return runtime.GOOS
	}
	return m.System
}

// again is the remedy where something does not answer.
func (m Machine) again() string {
	if m.system() == "linux" {
		return "try again; see what the kernel says of the GPU: dmesg"
	}
	return "try again; install the GPU's driver anew"
}

func (m Machine) env(name string) string {
	if m.Getenv == nil {
		return os.Getenv(name)
	}
	return m.Getenv(name)
}

// path is where an absolute path of the machine lies.
func (m Machine) path(abs string) string {
	if m.Root == "" {
		return abs
	}
	return filepath.Join(m.Root, abs)
}

// read is the text of a small file, "" where there is none.
func (m Machine) read(ctx context.Context, abs string) string {
	data, err := regular.Read(ctx, m.path(abs), regular.Proc)
	if err != nil {
		return ""
	}
	return string(data)
}

func (m Machine) exists(abs string) bool {
	_, err := os.Stat(m.path(abs))
	return err == nil
}

// glob lists the paths of the machine that fit a pattern.
func (m Machine) glob(pattern string) []string {
	list, _ := filepath.Glob(m.path(pattern))
	for i := range list {
		if m.Root != "" {
			list[i] = "/" + strings.TrimPrefix(strings.TrimPrefix(list[i], m.Root), "/")
		}
	}
	return list
}

// link is the last part of where a symbolic link leads, "" where there is none.
func (m Machine) link(abs string) string {
	to, err := os.Readlink(m.path(abs))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// inContainer reports that this program's system is a container's. A pod of Kubernetes is
// told by its environment alone where it has a group hierarchy of its own (containerd).
func (m Machine) inContainer(ctx context.Context) bool {
	if m.env("container") != "" || m.env("KUBERNETES_SERVICE_HOST") != "" || m.exists("/.dockerenv") || m.exists("/run/.containerenv") || m.exists("/run/systemd/container") {
		return true
	}
	groups := m.read(ctx, "/proc/1/cgroup")
	for _, word := range []string{"docker", "kubepods", "containerd", "lxc", "libpod"} {
		if strings.Contains(groups, word) {
			return true
		}
	}
	return false
}

// reason is an error of the system without the path that its reader knows.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err.Error()
	}
	return fmt.Sprint(err)
}
