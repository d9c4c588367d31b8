// Command peers times crate-vk beside PyTorch and onnxruntime on one machine:
// the same weights, the same pixels, the same cores, one after another in
// alternating rounds, so that whatever else the machine does falls on all of
// them alike. `make bench-peers` installs what is missing and runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// flags of the command.
type flags struct {
	out     string
	rounds  int
	cases   string
	python  string
	node    string
	modules string
	device  string
}

func main() {
	var f flags
	flag.StringVar(&f.out, "out", "", "also write the page to `FILE`")
	flag.IntVar(&f.rounds, "rounds", 11, "rounds a case")
	flag.StringVar(&f.cases, "cases", "", "only the cases whose names match `REGEXP`")
	flag.StringVar(&f.python, "python", os.Getenv("CRATE_VK_PYTHON"), "a Python `PROGRAM` that has torch and numpy; default: the first that is found (also CRATE_VK_PYTHON)")
	flag.StringVar(&f.node, "node", "node", "Node.js `PROGRAM`")
	flag.StringVar(&f.modules, "modules", modulesFolder(), "`DIR` in which the npm packages are installed (also CRATE_VK_PEERS)")
	flag.StringVar(&f.device, "device", "auto", "Vulkan device of crate-vk, `SEL` as of crate-vk bench")
	child := flag.Bool("child", false, "answer requests as crate-vk; what peers starts itself with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *child {
		err = serve(ctx, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, &f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// modulesFolder is where .ci/setup-peers puts npm packages, outside the tree.
func modulesFolder() string {
	if dir := os.Getenv("CRATE_VK_PEERS"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "crate-vk", "peers")
}

func run(ctx context.Context, f *flags) error {
	match, err := regexp.Compile(f.cases)
	if err != nil {
		return err
	}
	if f.rounds < 1 {
		return errors.New("-rounds: want at least 1")
	}
	dir, err := os.MkdirTemp("", "crate-vk-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{flags: f, dir: dir, log: os.Stderr, load0: loadAverage()}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, c := range cases() {
		if match.MatchString(c.name) {
			if err := b.run(ctx, c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if match.MatchString(productsCase) {
		if err := b.products(ctx); err != nil {
			return err
		}
	}
	return b.write(os.Stdout, f.out)
}

// write prints the page, and puts it into a file where one is named.
func (b *bench) write(w io.Writer, path string) error {
	page := b.page()
	if _, err := io.WriteString(w, page); err != nil || path == "" {
		return err
	}
	return os.WriteFile(path, []byte(page), 0o644)
}
