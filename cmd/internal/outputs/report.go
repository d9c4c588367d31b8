package outputs

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// The files of a report of analyze that others have to know: the one that is written
// first, and tells that the others are ours, and the charts.
const (
	ReportName    = "layers.json"
	RateChart     = "coding-rate.svg"
	SparsityChart = "sparsity.svg"
)

// HoldsReport reports a folder that analyze wrote into.
func HoldsReport(ctx context.Context, dir string) bool {
	data, err := regular.Read(ctx, filepath.Join(dir, ReportName), regular.Picture)
	if err != nil {
		return false
	}
	var r struct {
		Settings *string           `json:"settings"`
		Version  *string           `json:"version"`
		Models   []json.RawMessage `json:"models"`
	}
	return json.Unmarshal(data, &r) == nil && r.Settings != nil && r.Version != nil && r.Models != nil
}
