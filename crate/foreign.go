package crate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// harmless are the last parts of the names of tensors that may stand anywhere: counters and what
// profilers leave behind.
var harmless = []string{"total_ops", "total_params", "num_batches_tracked", "relative_position_index"}

// changing are parts of names that stand for something that changes a transformer's results,
// wherever it is.
var changing = regexp.MustCompile(`(?i)(^|[._])(lora|loha|lokr|adapters?|adaptmlp|prompts?|(reg|register)_tokens?|storage_tokens|norm_pre|q_norm|k_norm|ls1|ls2|gamma_[12]|rel_pos\w*|relative_position\w*|rope\w*|gates?)([._]|$|_embed|_[ABab]\b)`)

// foreign lists extra tensors that would change what the model computes, were they not left
// out: those inside a part that the model has, and those with names of parts that change
// every result. extra are their names without prefixes.
func foreign(extra []string, wanted []Tensor) (list []string) {
	parts := map[string]bool{}
	for _, t := range wanted {
		if p := part(t.Name); p != "" {
			parts[p] = true
		}
	}
	for _, name := range extra {
		if slices.Contains(harmless, name[strings.LastIndexByte(name, '.')+1:]) {
			continue
		}
		if parts[part(name)] || changing.MatchString(name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// numbered is a name up to its first number.
var numbered = regexp.MustCompile(`^[^0-9]*\.[0-9]+\.`)

// part is what a tensor belongs to: a block, by its number, or else the module at the top of its name; ""
// of a tensor that stands by itself.
func part(name string) string {
	if block := numbered.FindString(name); block != "" {
		return block
	}
	module, _, ok := strings.Cut(name, ".")
	if !ok {
		return ""
	}
	return module + "."
}

// refuseForeign is the error for tensors that would change the results.
func (c *Checkpoint) refuseForeign(list []string) error {
	if len(list) == 0 {
		return nil
	}
	var details []string
	for _, name := range list {
		details = append(details, fmt.Sprintf("%s %v", c.stored[name], c.shapes[name]))
	}
	return &ModelError{What: fmt.Sprintf("tensor %q would change the model's results, and no part is known that it belongs to: without it they would be wrong", c.stored[list[0]]), Details: details}
}
