package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// groups are the flags that several commands share, by what they are about, in the
// order in which helps show them. A command's other flags come first.
func groups() []group {
	return []group{
		{"Read-out", "method layer layers facets head keep upsample objects tau mode descriptors variant invert"},
		{"Masks", "refine fill-holes split min-area"},
		{"Images", "files-from null follow size filter positions batch jobs max-pixels decode-memory ignore-orientation"},
		{"Outputs", "out format overwrite json dry-run quiet"},
		{"Model", "model config branch prefix"},
		{"What a model's file may leave open", "heads eta lambda ln-eps block pool residual-ff mean std image-size"},
		{"Device", "device memory precision vector-bits kernels without spirv no-cache no-tuning no-self-test check"},
		{"Help", "help version"},
	}
}

type group struct{ title, flags string }

// groupOf is the place of a flag's group, -1 for a command's own flags.
func groupOf(flag string) int {
	return slices.IndexFunc(groups(), func(g group) bool { return slices.Contains(strings.Fields(g.flags), flag) })
}

// Usage text is as wide as the terminal, within these bounds.
const leastWidth, mostWidth = 60, 110

// helpWidth is the width of lines on the terminal, if there is one.
func helpWidth() int {
	w, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 100
	}
	return min(max(w, leastWidth), mostWidth)
}

// WriteUsage writes what follows a command's description in its help: how it is
// called, examples, its commands, and its flags by groups.
func WriteUsage(w io.Writer, c *cobra.Command, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n")
	if c.Runnable() {
		fmt.Fprintf(&b, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n", c.CommandPath())
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", indent(c.Example))
	}
	writeCommands(&b, c)
	writeFlags(&b, c, width)
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more about a command.\n", c.CommandPath())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n  ")
}

func writeCommands(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	b.WriteString("\nCommands:\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			fmt.Fprintf(b, "  %-*s  %s\n", c.NamePadding(), sub.Name(), sub.Short)
		}
	}
}

// row is a flag in a help.
type row struct{ flag, about string }

// writeFlags lists the flags by groups, all in the same columns.
func writeFlags(b *strings.Builder, c *cobra.Command, width int) {
	rows := make([][]row, len(groups())+1)
	column := 0
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		r := rowOf(f)
		column = max(column, utf8.RuneCountInString(r.flag))
		at := groupOf(f.Name) + 1
		rows[at] = append(rows[at], r)
	})
	for i, list := range rows {
		if len(list) == 0 {
			continue
		}
		title := "Options"
		if i > 0 {
			title = groups()[i-1].title
		}
		fmt.Fprintf(b, "\n%s:\n", title)
		for _, r := range list {
			b.WriteString("  " + r.flag + strings.Repeat(" ", column-utf8.RuneCountInString(r.flag)))
			for j, line := range wrap(r.about, max(width-column-4, 30)) {
				if j > 0 {
					b.WriteString(strings.Repeat(" ", column+2))
				}
				b.WriteString("  " + line + "\n")
			}
		}
	}
}

// rowOf is a flag as a help shows it: its default is told once, by its usage or
// behind it.
func rowOf(f *pflag.Flag) row {
	name, about := pflag.UnquoteUsage(f)
	flag := "    --" + f.Name
	if f.Shorthand != "" {
		flag = "-" + f.Shorthand + ", --" + f.Name
	}
	switch name {
	case "string", "int", "float", "strings", "duration":
		name = map[string]string{"string": "WORD", "int": "N", "float": "X", "strings": "WORD,...", "duration": "TIME"}[name]
	}
	if name != "" {
		flag += " " + name
	}
	if name != "" {
		about = strings.Replace(about, name+": ", "", 1) // what the column before says
	}
	if text := defaultOf(f); text != "" && !strings.Contains(about, "default") {
		about += " (default " + text + ")"
	}
	return row{flag, about}
}

// defaultOf is a flag's default in words; "" where it is nothing.
func defaultOf(f *pflag.Flag) string {
	text := strings.Trim(f.DefValue, "[]")
	if n, err := strconv.ParseFloat(text, 64); text == "" || text == "false" || text == "0s" || err == nil && n == 0 {
		return ""
	}
	return text
}

// wrap breaks a text into lines at its spaces.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// Dress gives a program's commands their help, their checks of flags, what the Tab key
// completes, and suggestions for what is written wrong.
func Dress(root *cobra.Command) {
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageFunc(func(c *cobra.Command) error { return WriteUsage(c.OutOrStdout(), c, helpWidth()) })
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return Usage(FlagError(c, err)) })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if err := CheckBounds(c); err != nil {
			return err
		}
		return CheckWords(c)
	}
	each(root, complete)
}

func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		each(sub, f)
	}
}
