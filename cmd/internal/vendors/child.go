package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// question is what a child, which runs inside the tree, is to compile for its one device.
type question struct {
	Target  string
	Only    string // what this model uses, and nothing else; "": everything
	Listing string // only variants whose name and constants have this text, with what the driver says of them
	Former  bool   // also what the device was given before processors had rows
}

// answer is what a child tells of its device.
type answer struct {
	Device, Driver   string
	Processor        string
	Subgroup         int // of kernels with subgroup operations
	Smallest, Widest int // subgroups that the device has
	Half             bool
	Rows             []row
	Former           []row
	FormerSubgroup   int
	Matrices         []matrixRow // not of the short check
}

// row is a compiled variant.
type row struct {
	Kernel, Constants string
	Used              []string
	Statistics        map[string]float64 // by the driver's own names
	Hot               *hotLoop           // nil: the kernel has none, or the driver doesn't show its code
	Listing           string             // what the driver says
}

// answerTo compiles what the question asks for, as the engine does, and the kernels that
// measure cooperative matrices.
func answerTo(q question) (*answer, error) {
	at := slices.IndexFunc(targets, func(t target) bool { return t.name == q.Target })
	if at < 0 {
		return nil, fmt.Errorf("no target %q", q.Target)
	}
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		return nil, err
	}
	defer inst.Close()
	dev, err := run.OpenDevice(inst, run.DeviceOptions{Selector: "0", Statistics: true, Memory: 16 << 30, SPIRV: shaders.SPIRV})
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	c := compiler{target: targets[at], dev: dev}
	if c.driver.prints {
		if c.printed, err = openPrinted(); err != nil {
			return nil, err
		}
	}
	info := dev.Info
	a := &answer{Device: info.Name, Driver: info.DriverName + " " + info.DriverInfo, Processor: string(dev.Limits.Processor), Subgroup: dev.Limits.Subgroup,
		Smallest: info.MinSubgroup, Widest: info.MaxSubgroup, Half: info.Storage16}
	list, err := given(dev.Limits, q.Only == "")
	if err != nil {
		return nil, err
	}
	if a.Rows, err = c.compileAll(list, q); err != nil {
		return a, err
	}
	if q.Only == "" || q.Only == ofMatrices {
		if a.Matrices, err = compileMatrices(dev, c.driver.dialect); err != nil {
			return nil, err
		}
	}
	if !q.Former {
		return a, nil
	}
	list, a.FormerSubgroup, err = c.formerChoice()
	if err != nil {
		return nil, err
	}
	a.Former, err = c.compileAll(list, question{})
	return a, err
}

// compiler compiles for one target.
type compiler struct {
	target
	dev     *run.Device
	printed *printed // of drivers that print their machine code
}

func (c *compiler) compileAll(list []variant, q question) ([]row, error) {
	var rows []row
	for _, v := range list {
		r := row{Kernel: v.dispatch.Kernel.Name, Used: v.used}
		values, err := v.dispatch.Constants()
		if err != nil {
			return nil, err
		}
		r.Constants = constants(v.dispatch.Kernel.Kernel, values)
		if q.Only != "" && !slices.Contains(v.used, q.Only) || !strings.Contains(r.Kernel+" "+r.Constants, q.Listing) {
			continue
		}
		if err := c.compile(&r, v, values); err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.Kernel, r.Constants, err)
		}
		if q.Listing == "" {
			r.Listing = ""
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// compile fills in what the driver says of a variant.
func (c *compiler) compile(r *row, v variant, values shaders.Values) error {
	pipe, err := c.dev.Pipeline(v.dispatch)
	if err != nil {
		return err
	}
	if r.Listing, err = pipe.Report(true); err != nil {
		return err
	}
	if c.printed != nil {
		text, err := c.printed.text()
		if err != nil {
			return err
		}
		r.Listing += "isa\n" + text
	}
	code := isa.Parse(r.Listing, c.driver.dialect)
	r.Statistics = map[string]float64{}
	for name, n := range code.Statistics {
		r.Statistics[name] = float64(n)
	}
	for _, name := range append([]string{c.driver.registers, c.driver.occupancy, c.driver.size}, c.driver.spills...) {
		if _, ok := r.Statistics[name]; !ok {
			return fmt.Errorf("the driver tells no %q, but %v", name, code.Statistics)
		}
	}
	r.Hot = hot(c.target, v.dispatch.Kernel.Kernel.Name, values, code)
	return nil
}

// constants names the specialization constants, booleans where they are true.
func constants(k *shaders.Kernel, c shaders.Values) string {
	var words []string
	for _, s := range k.Spec {
		switch n := c(s.Name); {
		case s.Kind == shaders.Bool && n != 0:
			words = append(words, s.Name)
		case s.Kind != shaders.Bool:
			words = append(words, fmt.Sprintf("%s=%d", s.Name, n))
		}
	}
	return strings.Join(words, " ")
}

// answerFile is the file that a child writes its answer to: drivers print to the standard output.
const answerFile = 3

// answerAsChild reads the question that a child was started with, and answers it.
func answerAsChild(text string) error {
	var q question
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		return err
	}
	a, err := answerTo(q)
	if err != nil {
		return err
	}
	out := os.NewFile(answerFile, "answer")
	if out == nil {
		return fmt.Errorf("-child is for this program itself: there is no file %d to answer to", answerFile)
	}
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return err
	}
	return out.Close()
}
