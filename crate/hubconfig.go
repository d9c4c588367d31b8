package crate

import (
	"encoding/json"
	"fmt"
	"slices"
)

// hubConfig is what timm's config.json of a hub folder says, as far as it concerns us. Older ones
// have the fields of pretrained_cfg beside the others.
type hubConfig struct {
	hubInput
	Pretrained *hubInput `json:"pretrained_cfg"`
	Pool       *string   `json:"global_pool"`
	Args       *struct {
		Heads     *int            `json:"num_heads"`
		ImageSize json.RawMessage `json:"img_size"`
	} `json:"model_args"`
}

// hubInput says how timm's models want their images.
type hubInput struct {
	Mean          *[]float64 `json:"mean"`
	Std           *[]float64 `json:"std"`
	Interpolation *string    `json:"interpolation"`
	InputSize     *[]int     `json:"input_size"` // channels, height, width
}

// interpolations are the resampling filters that are known, by Pillow's names.
var interpolations = []string{"nearest", "bilinear", "bicubic", "lanczos"}

// parseHub reads the config.json of a hub folder. One that says nothing of use has useful =
// false. A cut at the borders (crop_pct) is not taken over: images are resized as a whole.
func parseHub(data []byte) (s Settings, notice string, useful bool, err error) {
	var f hubConfig
	if err := decodeStrict(data, &f); err != nil {
		return s, "", false, err
	}
	in := f.hubInput
	if f.Pretrained != nil {
		in = *f.Pretrained
	}
	if s.Mean, err = three("mean", in.Mean); err != nil {
		return s, "", false, err
	}
	if s.Std, err = three("std", in.Std); err != nil {
		return s, "", false, err
	}
	if i := in.Interpolation; i != nil {
		if slices.Contains(interpolations, *i) {
			s.Interpolation = i
		} else {
			notice = fmt.Sprintf("interpolation %q is none of %v and is ignored (--filter)", *i, interpolations)
		}
	}
	if z := in.InputSize; z != nil && len(*z) == 3 {
		s.sizeHint = &[2]int{(*z)[1], (*z)[2]}
	}
	if f.Pool != nil {
		if p, known := map[string]string{"token": PoolClass, "avg": PoolMean}[*f.Pool]; known {
			s.Pool = &p
		}
	}
	if f.Args != nil {
		s.Heads = f.Args.Heads
		var side int
		var sides [2]int
		switch {
		case json.Unmarshal(f.Args.ImageSize, &side) == nil && side > 0:
			s.sizeHint = &[2]int{side, side}
		case json.Unmarshal(f.Args.ImageSize, &sides) == nil:
			s.sizeHint = &sides
		}
	}
	useful = s.Mean != nil || s.Std != nil || s.Interpolation != nil || s.Heads != nil
	return s, notice, useful, nil
}

// parsePreprocessor reads transformers' preprocessor_config.json.
func parsePreprocessor(data []byte) (s Settings, notice string, err error) {
	var f struct {
		Mean      *[]float64 `json:"image_mean"`
		Std       *[]float64 `json:"image_std"`
		Normalize *bool      `json:"do_normalize"`
		Resample  *int       `json:"resample"` // Pillow's number
	}
	if err := decodeStrict(data, &f); err != nil {
		return s, "", err
	}
	if s.Mean, err = three("image_mean", f.Mean); err != nil {
		return s, "", err
	}
	if s.Std, err = three("image_std", f.Std); err != nil {
		return s, "", err
	}
	if f.Normalize != nil && !*f.Normalize { // values of 0 to 1 as they are
		s.Mean, s.Std = &[3]float64{}, &[3]float64{1, 1, 1}
	}
	if f.Resample != nil {
		if name := map[int]string{0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}[*f.Resample]; name != "" {
			s.Interpolation = &name
		} else {
			notice = fmt.Sprintf("resample %d is none of Pillow's nearest, lanczos, bilinear and bicubic, and is ignored (--filter)", *f.Resample)
		}
	}
	return s, notice, nil
}

// three wants three numbers, or none at all. One stands for all channels.
func three(name string, from *[]float64) (*[3]float64, error) {
	switch {
	case from == nil || len(*from) == 0:
		return nil, nil
	case len(*from) == 1:
		v := (*from)[0]
		return &[3]float64{v, v, v}, nil
	case len(*from) != 3:
		return nil, fmt.Errorf("%s is %v, want 3 numbers", name, *from)
	}
	return (*[3]float64)(*from), nil
}
