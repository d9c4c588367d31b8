package vk_test

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/vk"
)

func TestDevices(t *testing.T) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		t.Skip(err)
	}
	defer inst.Close()
	list, err := inst.Devices()
	if err != nil {
		t.Skip(err)
	}
	for _, d := range list {
		t.Logf("%+v", d)
	}
}
