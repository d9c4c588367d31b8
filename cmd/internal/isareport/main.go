// Command isareport compiles the GPU family's kernels with AMD's production
// compiler, through RADV's null hardware, and writes docs/isa-report.md. With
// -check it compares instead: the report's own Mesa version must give the
// report, another version, or none, is a notice. It needs no GPU.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	out := flag.String("o", "docs/isa-report.md", "the report")
	check := flag.Bool("check", false, "compare with the report instead of writing it")
	icd := flag.String("icd", "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json", "RADV's manifest")
	child := flag.String("child", "", "print one GPU's part; what isareport starts itself with")
	flag.Parse()
	var err error
	switch {
	case *child != "":
		err = writeGPU(os.Stdout, *child)
	default:
		err = run(*out, *icd, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "isareport:", err)
		os.Exit(1)
	}
}

// families are RADV's names for the GPUs of the report; newer Mesa has others.
func families() map[string][]string {
	return map[string][]string{"NAVI21": {"NAVI21"}, "GFX1100": {"GFX1100", "NAVI31"}, "VEGA10": {"VEGA10"}}
}

func run(path, icd string, check bool) error {
	if _, err := os.Stat(icd); err != nil {
		if check {
			fmt.Printf("isareport: not compared: RADV is not installed here (%s)\n", icd)
			return nil
		}
		return fmt.Errorf("RADV is not installed: %w", err)
	}
	var report bytes.Buffer
	mesa := ""
	for _, name := range []string{"NAVI21", "GFX1100", "VEGA10"} {
		part, err := section(name, icd)
		if err != nil {
			if check {
				fmt.Printf("isareport: not compared: %v\n", err)
				return nil
			}
			return err
		}
		// The first line is the driver; the same for all GPUs.
		driver, body, _ := strings.Cut(part, "\n")
		if mesa == "" {
			mesa = driver
			report.WriteString(preamble(driver))
		}
		report.WriteString(body)
	}
	if !check {
		return os.WriteFile(path, report.Bytes(), 0o644)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(old), "\n"+driverLine(mesa)+"\n") {
		fmt.Printf("isareport: not compared: %s is another driver's than %s\n", path, mesa)
		return nil
	}
	if d := diff(string(old), report.String()); d != "" {
		return fmt.Errorf("%s is not what the kernels give (make isa-report writes it):\n%s", path, d)
	}
	fmt.Printf("isareport: %s is up to date\n", path)
	return nil
}

// section runs a child for one GPU: the driver takes it from the environment,
// once a process.
func section(name, icd string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	var last error
	for _, family := range families()[name] {
		cmd := exec.Command(self, "-child", name)
		cmd.Env = append(os.Environ(), "RADV_FORCE_FAMILY="+family, "VK_ICD_FILENAMES="+icd, "VK_DRIVER_FILES="+icd, "NODEVICE_SELECT=1", "MESA_SHADER_CACHE_DISABLE=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		part, err := cmd.Output()
		if err == nil {
			return string(part), nil
		}
		last = fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return "", last
}

// diff lists the lines that are only in one of the texts, in order: enough for
// tables, whose lines are keyed by kernel and constants.
func diff(old, new string) string {
	count := map[string]int{}
	for line := range strings.Lines(old) {
		count[line]++
	}
	var added, removed strings.Builder
	for line := range strings.Lines(new) {
		if count[line]--; count[line] < 0 {
			added.WriteString("+ " + line)
		}
	}
	for line := range strings.Lines(old) {
		if count[line] > 0 {
			count[line]--
			removed.WriteString("- " + line)
		}
	}
	if removed.Len()+added.Len() == 0 && old != new {
		return "the same lines in another order"
	}
	return removed.String() + added.String()
}
