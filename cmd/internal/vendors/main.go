// Command vendors compiles the GPU family's kernels with the vendors' open compilers: Mesa's
// for NVIDIA, AMD, Intel, Adreno and Apple, each on a stub of its kernel driver, so that no
// GPU is needed and nothing is executed. It makes the Debian tree that they run in, and writes
// docs/vendors.md.
//
// With -check it compares instead. A kernel that a device is given and that spills registers,
// or keeps too few subgroups in flight, fails; so does a report that the kernels no longer
// give. Where the tree's Mesa is another one than the report's it tells what differs, and
// where there is no tree and none can be made it says so; neither fails. -fast is the short
// check: three GPUs and one model. -gpu and -listing show the machine code itself, -matrices
// the table of cooperative matrices alone, and -tree the folder of the tree, for other programs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	out := flag.String("o", "docs/vendors.md", "the report")
	check := flag.Bool("check", false, "compare with the report instead of writing it")
	fast := flag.Bool("fast", false, "with -check: three GPUs and one model")
	inTree := flag.Bool("tree", false, "make the tree where it is missing, and print its folder")
	gpu := flag.String("gpu", "", "with -listing: the target, as the report names it (nvk-ampere)")
	listing := flag.String("listing", "", "print what the driver of -gpu says of the first model's kernels whose name and constants have this text, with their machine code")
	child := flag.String("child", "", "a question in JSON, to be answered inside the tree; what vendors starts itself with")
	matrices := flag.Bool("matrices", false, "print the table of cooperative matrices alone, and run them on the tree's software device")
	flag.Parse()
	var err error
	switch {
	case *child == softwareDevice:
		err = measureMatrices()
	case *child != "":
		err = answerAsChild(*child)
	case *matrices:
		err = printMatrices()
	case *inTree:
		err = printTree()
	case *listing != "":
		err = list(*gpu, *listing)
	case *check:
		err = runCheck(*out, *fast)
	default:
		err = write(*out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vendors:", err)
		os.Exit(1)
	}
}

func printTree() error {
	t, err := openTree()
	if err == nil {
		fmt.Println(t)
	}
	return err
}

// list prints what a driver says of kernels.
func list(gpu, text string) error {
	at := slices.IndexFunc(targets, func(t target) bool { return t.name == gpu })
	if at < 0 {
		return fmt.Errorf("-gpu %q is no target: the sections of docs/vendors.md name them", gpu)
	}
	t, err := openTree()
	if err != nil {
		return err
	}
	a, err := t.ask(targets[at], question{Only: models()[0], Listing: text})
	if err != nil {
		return err
	}
	for _, r := range a.Rows {
		fmt.Printf("%s %s\n%s\n", r.Kernel, r.Constants, r.Listing)
	}
	return nil
}

func write(path string) error {
	t, err := openTree()
	if err != nil {
		return err
	}
	answers, err := t.askAll(targets, question{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(report(targets, answers)), 0o644); err != nil {
		return err
	}
	return problems(targets, answers)
}

func runCheck(path string, fast bool) error {
	t, err := openTree()
	if errors.Is(err, errNoPackages) || err != nil && os.Geteuid() != 0 {
		fmt.Println("vendors: not checked:", err)
		return nil
	}
	if err != nil {
		return err
	}
	list, q := targets, question{}
	if fast {
		list = slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return !t.fast })
		q.Only = models()[0]
	}
	answers, err := t.askAll(list, q)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	said, err := verdict(path, string(old), list, answers)
	fmt.Print(said)
	if !fast {
		err = errors.Join(err, t.runMatrices())
	}
	return err
}

// askAll asks for all targets, as many at once as there are cores.
func (t tree) askAll(list []target, q question) ([]*answer, error) {
	answers, errs := make([]*answer, len(list)), make([]error, len(list))
	free := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, of := range list {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			began := time.Now()
			q := q
			q.Former = of.former && q.Only == ""
			if answers[i], errs[i] = t.ask(of, q); errs[i] == nil {
				fmt.Printf("vendors: %s: %d variants in %.0f s\n", of.name, len(answers[i].Rows), time.Since(began).Seconds())
			}
		})
	}
	wg.Wait()
	return answers, errors.Join(errs...)
}
