//go:build viewer && cgo

package main

import (
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// options are what the flags say and the window's keys don't.
type options struct {
	out       string   // folder of what keys save
	reads     []string // files that were opened, beside images
	decode    picture.Options
	input     engine.InputOptions
	classes   bool // the model has some, and was trained
	attention engine.AttentionOptions
	cut       func(layer int) engine.Readout[*engine.Segmentation]
	objects   int // that cut may find
	pca       engine.PartsOptions
	finish    engine.Finish
}

// keep is the share that is kept, by what the flags or the model say it is a share of.
func (o *options) keep(share float64) readout.Keep {
	return readout.Keep{Count: o.attention.Keep.Count, Share: share}
}

// several says that a mask is a label map, as segment has it: more than one object is possible.
func (o *options) several(m viewer.Method) bool {
	return o.finish.Split || m == viewer.MethodMaskCut && o.objects > 1
}
