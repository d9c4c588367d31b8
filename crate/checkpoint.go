package crate

import (
	"fmt"
	"slices"
	"strings"
)

// Stored describes a tensor as a file has it.
type Stored struct {
	Name  string
	Shape []int
}

// Checkpoint is a file's tensor list under canonical names: wrappers and
// prefixes of the training scripts are stripped (numerics 1.7).
type Checkpoint struct {
	shapes map[string][]int
	stored map[string]string // canonical name → name in the file
	branch Branch            // of a file that holds both
}

// Branch is the network that was taken, "" of a file that holds one alone.
func (c *Checkpoint) Branch() Branch { return c.branch }

// Branch chooses one of the two networks of a self-distillation checkpoint.
type Branch string

// The branches. The teacher is the one that is published.
const (
	Teacher Branch = "teacher"
	Student Branch = "student"
)

// NewCheckpoint strips the prefixes. Where the file holds a teacher and a
// student, the other one than branch is left out.
func NewCheckpoint(tensors []Stored, branch Branch) (*Checkpoint, error) {
	c := &Checkpoint{shapes: map[string][]int{}, stored: map[string]string{}}
	both := hasBranch(tensors, Teacher) && hasBranch(tensors, Student)
	if both {
		c.branch = branch
	}
	for _, t := range tensors {
		name, b := canonicalName(t.Name)
		if both && b != "" && b != branch {
			continue
		}
		if other, dup := c.stored[name]; dup {
			return nil, &ModelError{What: fmt.Sprintf("tensors %q and %q are both %q without their prefixes", other, t.Name, name)}
		}
		c.shapes[name], c.stored[name] = t.Shape, t.Name
	}
	return c, nil
}

func hasBranch(tensors []Stored, b Branch) bool {
	return slices.ContainsFunc(tensors, func(t Stored) bool {
		_, got := canonicalName(t.Name)
		return got == b
	})
}

// canonicalName strips wrapper prefixes, as often as they occur, and tells
// which branch they named.
func canonicalName(name string) (string, Branch) {
	var branch Branch
	for {
		stripped := false
		for _, p := range []string{"state_dict.", "model.", "module.", "teacher.", "student.", "backbone.", "_orig_mod."} {
			if rest, ok := strings.CutPrefix(name, p); ok {
				if b := Branch(strings.TrimSuffix(p, ".")); b == Teacher || b == Student {
					branch = b
				}
				name, stripped = rest, true
			}
		}
		if !stripped {
			return name, branch
		}
	}
}

// StoredName is the name under which the file has a tensor.
func (c *Checkpoint) StoredName(canonical string) (string, bool) {
	s, ok := c.stored[canonical]
	return s, ok
}

func (c *Checkpoint) has(name string) bool { return c.shapes[name] != nil }

// dim is axis i of a tensor, negative from the end; 0 when there is none.
func (c *Checkpoint) dim(name string, i int) int {
	s := c.shapes[name]
	if i < 0 {
		i += len(s)
	}
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

// layers is one more than the largest N in names that start with prefix + N.
func (c *Checkpoint) layers(prefix string) int {
	n := 0
	for name := range c.shapes {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		l, digits := 0, 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' && l < 1<<20 {
			l = 10*l + int(rest[digits]-'0')
			digits++
		}
		if digits > 0 && digits < len(rest) && rest[digits] == '.' {
			n = max(n, l+1)
		}
	}
	return n
}

// Compare holds the file's tensors against what the model needs. The error
// lists at most ten differences; extra names tensors that the model ignores.
func (c *Checkpoint) Compare(config *Config) (extra []string, err error) {
	var diffs []string
	want := map[string]bool{}
	for _, t := range config.Tensors() {
		want[t.Name] = true
		switch got := c.shapes[t.Name]; {
		case got == nil:
			diffs = append(diffs, fmt.Sprintf("%s %v is missing", t.Name, t.Shape))
		case !slices.Equal(got, t.Shape):
			diffs = append(diffs, fmt.Sprintf("%s is %v, want %v", t.Name, got, t.Shape))
		}
	}
	for name, stored := range c.stored {
		if !want[name] {
			extra = append(extra, stored)
		}
	}
	slices.Sort(extra)
	if diffs != nil {
		return extra, &ModelError{What: fmt.Sprintf("the tensors are not those of %s", config), Details: diffs}
	}
	return extra, nil
}

// ModelError says why a model is refused.
type ModelError struct {
	What    string
	Details []string // differences, of which Error prints at most ten
}

func (e *ModelError) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	for i, d := range e.Details {
		if i == 10 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Details)-i)
			break
		}
		b.WriteString("\n  " + d)
	}
	return b.String()
}
