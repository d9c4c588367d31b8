package crate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// wrappers are prefixes under which training scripts keep a model, and wrappers of modules.
var wrappers = []string{"state_dict.", "model_state_dict.", "model.", "module.", "net.", "network.", "backbone.", "encoder.", "base_encoder.", "_orig_mod."}

// branchPrefixes name one of several networks in a file.
var branchPrefixes = map[string]Branch{
	"teacher.": Teacher, "student.": Student,
	"model_ema.": EMA, "ema_model.": EMA, "ema.": EMA, "state_dict_ema.": EMA, "model_state_dict_ema.": EMA, "ema_state_dict.": EMA,
}

// canonicalName strips wrapper prefixes, as often as they occur, and tells
// which branch they named.
func canonicalName(name string) (string, Branch) {
	var branch Branch
	for {
		stripped := false
		for _, p := range wrappers {
			if rest, ok := strings.CutPrefix(name, p); ok {
				name, stripped = rest, true
			}
		}
		for p, b := range branchPrefixes {
			if rest, ok := strings.CutPrefix(name, p); ok {
				name, branch, stripped = rest, b, true
			}
		}
		if !stripped {
			return name, branch
		}
	}
}

// renamed is a tensor's name without its prefixes.
type renamed struct {
	Stored
	name   string
	branch Branch
}

// unwrap strips prefixes from the names: the one that the caller gives, those that are known, or
// any other where it is the only one that a class token has. Tensors without the prefix
// keep their names.
func unwrap(tensors []Stored, prefix string) ([]renamed, error) {
	if prefix != "" {
		return below(tensors, strings.TrimSuffix(prefix, ".")+".")
	}
	var list []renamed
	for _, t := range tensors {
		name, branch := canonicalName(t.Name)
		list = append(list, renamed{t, name, branch})
	}
	if slices.ContainsFunc(list, func(t renamed) bool { return t.name == classToken }) {
		return list, nil
	}
	found := prefixes(list)
	if len(found) > 1 {
		return nil, &ModelError{What: fmt.Sprintf("the file holds %d networks: choose one by its prefix, such as --prefix %s", len(found), found[0]), Details: found}
	}
	if len(found) == 1 {
		for i, t := range list {
			if rest, ok := strings.CutPrefix(t.name, found[0]); ok {
				list[i].name, _ = canonicalName(rest)
			}
		}
	}
	return list, nil
}

// below takes the tensors that have the prefix, and no others.
func below(tensors []Stored, prefix string) (list []renamed, err error) {
	for _, t := range tensors {
		if rest, ok := strings.CutPrefix(t.Name, prefix); ok {
			name, branch := canonicalName(rest)
			list = append(list, renamed{t, name, branch})
		}
	}
	if list == nil {
		return nil, &ModelError{What: fmt.Sprintf("no tensor's name begins with the prefix %q: the file has %s", prefix, someNames(tensors))}
	}
	return list, nil
}

// prefixes are what stands before the class tokens.
func prefixes(list []renamed) []string {
	found := map[string]bool{}
	for _, t := range list {
		if p, ok := strings.CutSuffix(t.name, classToken); ok && strings.HasSuffix(p, ".") {
			found[p] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// someNames shows a few of a file's names, spread over all of them.
func someNames(tensors []Stored) string {
	const show = 6
	if len(tensors) == 0 {
		return "no tensor"
	}
	var names []string
	for i := range min(show, len(tensors)) {
		names = append(names, fmt.Sprintf("%q", tensors[i*len(tensors)/min(show, len(tensors))].Name))
	}
	return strings.Join(names, ", ")
}
