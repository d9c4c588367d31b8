package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/engine/drivers"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// unseenGPU says that a software device runs although the system has a GPU: a driver
// failed, or is missing. "" where there is nothing to say. root is the system's root
// folder, where /dev and /sys lie.
func unseenGPU(root string, on vk.Info, all []vk.Info) string {
	if on.Type != vk.TypeSoftware {
		return ""
	}
	var facts []string
	for _, d := range all {
		if reason := unusable(d); d.Type != vk.TypeSoftware && reason != "" {
			facts = append(facts, fmt.Sprintf("%s %s", d.Name, reason))
		}
	}
	if len(facts) > 0 {
		return strings.Join(facts, "; ")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m := drivers.Machine{Root: root}
	if !m.HasGPU(ctx) {
		return ""
	}
	for _, f := range m.Check(ctx) {
		facts = append(facts, f.String())
	}
	return strings.Join(facts, "; ")
}

// patience is for how long the causes of a missing device are looked for.
const patience = 1500 * time.Millisecond

// mostCauses is how many of them an error tells; crate-vk devices --why tells all.
const mostCauses = 2

// NoVulkan makes errors.Is(err, ErrNoDevice) hold of an error of vk's, and says what the
// machine lacks where it was the machine that failed.
func NoVulkan(err error) error {
	if machine := errors.Is(err, vk.ErrNoLoader) || errors.Is(err, vk.ErrNoDriver) || errors.Is(err, vk.ErrNoDevice); !machine || !vk.CanLoad {
		return NoDevice(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return NoDevice(fmt.Errorf("%w: %s", err, causes(drivers.Machine{Load: drivers.LoadHere}.Check(ctx))))
}

// causes are what an error says of findings.
func causes(findings []drivers.Finding) string {
	if len(findings) == 0 {
		return "this system shows no GPU (for a software device on Debian, Ubuntu: apt-get install mesa-vulkan-drivers)"
	}
	var list []string
	for _, f := range findings[:min(len(findings), mostCauses)] {
		list = append(list, f.String())
	}
	if more := len(findings) - mostCauses; more > 0 {
		list = append(list, fmt.Sprintf("%d more (crate-vk devices --why tells them)", more))
	}
	return strings.Join(list, "; ")
}
