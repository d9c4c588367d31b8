//go:build man

package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

func init() { more = append(more, (*app).man) }

// man writes the man pages, for packages: it is built with the tag man alone, so that the
// program does not carry what writes them.
func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the man pages into a folder", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			verbatim(c.Root())
			c.Root().DisableAutoGenTag = true // no date, so that the pages are the same every time
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "CRATE-VK", Section: "1", Source: "crate-vk " + cli.Release, Manual: "crate-vk"}, args[0])
		},
	}
}

// verbatim indents the tables of the descriptions, which are Markdown here, as code.
func verbatim(c *cobra.Command) {
	lines := strings.Split(c.Long, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "  ") {
			lines[i] = "    " + line
		}
	}
	c.Long = strings.Join(lines, "\n")
	for _, sub := range c.Commands() {
		verbatim(sub)
	}
}
