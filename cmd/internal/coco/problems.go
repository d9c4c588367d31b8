package coco

import "fmt"

// Problem is something that was passed over in a file that is in order as a whole.
type Problem struct {
	Place string // such as annotations[3].bbox
	What  string // the fact, and what became of it
}

func (p Problem) String() string { return p.Place + ": " + p.What }

// Problems counts what was passed over, and keeps the first few of it.
type Problems struct {
	Count int       `json:"count"`
	First []Problem `json:"first"`
}

// maxProblems are kept; a file may have one in each entry.
const maxProblems = 5

// Add notes a problem.
func (p *Problems) Add(place, format string, args ...any) {
	p.Count++
	if len(p.First) < maxProblems {
		p.First = append(p.First, Problem{place, fmt.Sprintf(format, args...)})
	}
}

// Append adds those of another list, whose places begin with what is given.
func (p *Problems) Append(in string, list Problems) {
	p.Count += list.Count
	for _, q := range list.First {
		if len(p.First) < maxProblems {
			p.First = append(p.First, Problem{in + q.Place, q.What})
		}
	}
}

// Lines are sentences for people: the first few, and how many more there are.
func (p *Problems) Lines() []string {
	var lines []string
	for _, q := range p.First {
		lines = append(lines, q.String())
	}
	if more := p.Count - len(p.First); more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more of what was passed over", more))
	}
	return lines
}

// entry is an image, a category or an annotation that is being read: what is wrong with
// it, and isn't wrong with the JSON, costs a field or the entry and not the file.
type entry struct {
	list    string
	index   int
	problem func(place, format string, args ...any)
	dropped bool
}

// field notes that a field is passed over.
func (e *entry) field(name, format string, args ...any) {
	e.problem(fmt.Sprintf("%s[%d].%s", e.list, e.index, name), format+", and is passed over", args...)
}

// drop notes that the entry is left out; the first reason counts.
func (e *entry) drop(format string, args ...any) {
	if !e.dropped {
		e.problem(fmt.Sprintf("%s[%d]", e.list, e.index), format+": it is left out", args...)
	}
	e.dropped = true
}
