package graph

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Attrs are the constants of an operation, by name. Values are int, float64,
// string or []float64, as the op table says; an absent one has its zero value.
type Attrs map[string]any

// AttrKind is the type of an attribute's value.
type AttrKind uint8

// The attribute kinds.
const (
	Int AttrKind = iota + 1
	Float
	String
	Floats
)

// AttrInfo describes one attribute of an op.
type AttrInfo struct {
	Name     string
	Kind     AttrKind
	Optional bool
	OneOf    []string // the allowed strings, where they are few
}

func (a Attrs) clone() Attrs {
	c := maps.Clone(a)
	for k, v := range c {
		if l, ok := v.([]float64); ok {
			c[k] = slices.Clone(l)
		}
	}
	return c
}

// Int is the attribute as an integer, 0 when absent.
func (v *Value) Int(name string) int {
	n, _ := v.Attrs[name].(int)
	return n
}

// Float is the attribute as a float, 0 when absent.
func (v *Value) Float(name string) float64 {
	f, _ := v.Attrs[name].(float64)
	return f
}

// Str is the attribute as a string, "" when absent.
func (v *Value) Str(name string) string {
	s, _ := v.Attrs[name].(string)
	return s
}

// Floats is the attribute as a list, nil when absent.
func (v *Value) Floats(name string) []float64 {
	l, _ := v.Attrs[name].([]float64)
	return l
}

func (k AttrKind) String() string {
	return [...]string{"unknown", "int", "float", "string", "list of floats"}[k]
}

func kindOf(v any) AttrKind {
	switch v.(type) {
	case int:
		return Int
	case float64:
		return Float
	case string:
		return String
	case []float64:
		return Floats
	}
	return 0
}

// checkAttrs holds v's attributes against the op table.
func checkAttrs(v *Value) error {
	infos := v.Op.Info().Attrs
	for name, val := range v.Attrs {
		i := slices.IndexFunc(infos, func(a AttrInfo) bool { return a.Name == name })
		if i < 0 {
			return &AttrError{v, name, "is not an attribute of this op"}
		}
		if k := kindOf(val); k != infos[i].Kind {
			return &AttrError{v, name, fmt.Sprintf("is a %s, want a %s", k, infos[i].Kind)}
		}
		if one := infos[i].OneOf; one != nil && !slices.Contains(one, val.(string)) {
			return &AttrError{v, name, fmt.Sprintf("is %q, want one of %s", val, strings.Join(one, " "))}
		}
	}
	for _, a := range infos {
		if _, ok := v.Attrs[a.Name]; !ok && !a.Optional {
			return &AttrError{v, a.Name, "is missing"}
		}
	}
	return nil
}

// AttrText prints attributes in the order of the op table: {heads=6 scale=0.125}.
func (v *Value) AttrText() string {
	var parts []string
	for _, a := range v.Op.Info().Attrs {
		if val, ok := v.Attrs[a.Name]; ok {
			parts = append(parts, a.Name+"="+formatAttr(val))
		}
	}
	if parts == nil {
		return ""
	}
	return " {" + strings.Join(parts, " ") + "}"
}

func formatAttr(val any) string {
	switch x := val.(type) {
	case int:
		return strconv.Itoa(x)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case string:
		return strconv.Quote(x)
	case []float64:
		s := make([]string, len(x))
		for i, f := range x {
			s[i] = strconv.FormatFloat(f, 'g', -1, 64)
		}
		return "[" + strings.Join(s, ",") + "]"
	}
	panic(fmt.Sprintf("graph: attribute of type %T", val))
}

func parseAttr(kind AttrKind, s string) (any, error) {
	switch kind {
	case Int:
		return strconv.Atoi(s)
	case Float:
		return strconv.ParseFloat(s, 64)
	case String:
		return strconv.Unquote(s)
	case Floats:
		if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
			return nil, fmt.Errorf("%s: want [a,b,...]", s)
		}
		list := []float64{}
		for f := range strings.SplitSeq(s[1:len(s)-1], ",") {
			x, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		return list, nil
	}
	return nil, fmt.Errorf("no such kind of attribute")
}
