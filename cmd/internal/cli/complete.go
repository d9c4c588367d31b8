package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
)

// complete says what the Tab key offers for a command's flags: the words that they
// take, models, devices, and files where a flag is a path.
func complete(c *cobra.Command) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, there := c.GetFlagCompletionFunc(f.Name); there {
			return
		}
		switch name, _ := pflag.UnquoteUsage(f); {
		case f.Name == "model" || f.Name == "against":
			c.RegisterFlagCompletionFunc(f.Name, Models)
		case f.Name == "device" || f.Name == "present":
			c.RegisterFlagCompletionFunc(f.Name, devices)
		case WordsOf(c, f.Name) != nil:
			list := WordsOf(c, f.Name)
			c.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
				return completions(list, begun, several(f))
			})
		case strings.Contains(name, "DIR") && !strings.Contains(name, "FILE"):
			c.RegisterFlagCompletionFunc(f.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			})
		case !strings.Contains(name, "FILE") && f.Value.Type() != "bool":
			c.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
}

// completions are the words that go on from what was typed; behind a comma those that
// are not there yet.
func completions(list []string, begun string, several bool) ([]string, cobra.ShellCompDirective) {
	front := ""
	if at := strings.LastIndexByte(begun, ','); several && at >= 0 {
		front, begun = begun[:at+1], begun[at+1:]
	}
	var out []string
	for _, w := range list {
		if strings.HasPrefix(w, begun) && !strings.Contains(","+front, ","+w+",") {
			out = append(out, front+w)
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if several {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return out, directive
}

// Models offers the presets, beside files.
func Models(_ *cobra.Command, _ []string, begun string) (list []string, _ cobra.ShellCompDirective) {
	names, about := crate.Presets()
	for i, n := range names {
		if strings.HasPrefix(n, begun) {
			list = append(list, n+"\t"+about[i])
		}
	}
	return list, cobra.ShellCompDirectiveDefault
}

// devices offers those that there are, by index.
func devices(_ *cobra.Command, _ []string, begun string) (list []string, _ cobra.ShellCompDirective) {
	all := []string{"auto\tthe first GPU, else a software device", "cpu\tthe interpreter, which is slow"}
	found, _ := engine.Devices() // without Vulkan there are none
	for i, d := range found {
		all = append(all, strconv.Itoa(i)+"\t"+d.Name)
	}
	for _, a := range all {
		if strings.HasPrefix(a, begun) {
			list = append(list, a)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
