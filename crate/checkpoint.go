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
	branch Branch            // of a file that holds several
	all    []Stored          // as the file has them
	taken  map[string]bool   // of Holds
}

// Branch is the network that was taken, "" of a file that holds one alone.
func (c *Checkpoint) Branch() Branch { return c.branch }

// Branch chooses one of the networks of a checkpoint that holds several: teacher and student of
// self-distillation, or a model and the moving average of its weights.
type Branch string

// The branches. The teacher is the one that is published. Of a model and its average the
// model is taken where EMA isn't asked for; Checkpoint.Branch then says Raw.
const (
	Teacher Branch = "teacher"
	Student Branch = "student"
	EMA     Branch = "ema"
	Raw     Branch = "model"
)

// Branches are those that can be asked for.
func Branches() []Branch { return []Branch{Teacher, Student, EMA} }

// NewCheckpoint strips the prefixes: the one given, else those that are found. Where the file
// holds several networks, the others than branch are left out.
func NewCheckpoint(tensors []Stored, branch Branch, prefix string) (*Checkpoint, error) {
	c := &Checkpoint{shapes: map[string][]int{}, stored: map[string]string{}, all: tensors, taken: map[string]bool{}}
	list, err := unwrap(tensors, prefix)
	if err != nil {
		return nil, err
	}
	has := map[Branch]bool{}
	for _, t := range list {
		has[t.branch] = has[t.branch] || t.branch != "" || t.name == classToken
	}
	skip := func(Branch) bool { return false }
	switch {
	case has[Teacher] && has[Student]:
		if branch == EMA {
			return nil, &ModelError{What: "the file holds a teacher and a student, and no moving average (--branch)"}
		}
		c.branch = branch
		skip = func(b Branch) bool { return b != "" && b != branch }
	case has[EMA] && has[""]:
		if c.branch = Raw; branch == EMA {
			c.branch = EMA
		}
		skip = func(b Branch) bool { return (b == EMA) != (branch == EMA) }
	}
	for _, t := range list {
		if skip(t.branch) {
			continue
		}
		if other, dup := c.stored[t.name]; dup {
			return nil, &ModelError{What: fmt.Sprintf("tensors %q and %q are both %q without their prefixes: choose one network by --prefix", other, t.Name, t.name)}
		}
		c.shapes[t.name], c.stored[t.name], c.taken[t.Name] = t.Shape, t.Name, true
	}
	return c, nil
}

// Holds reports a tensor of the file, by its name there, that belongs to the network that was
// taken: the model's own and those that it ignores.
func (c *Checkpoint) Holds(stored string) bool { return c.taken[stored] }

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
// lists at most ten differences; extra names tensors that the model ignores. What stands
// inside a part of the model and isn't known is refused.
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
	var names []string
	for name, stored := range c.stored {
		if !want[name] {
			extra, names = append(extra, stored), append(names, name)
		}
	}
	slices.Sort(extra)
	if diffs != nil {
		return extra, &ModelError{What: fmt.Sprintf("the tensors are not those of %s", config), Details: diffs}
	}
	return extra, c.refuseForeign(foreign(names, config.Tensors()))
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
