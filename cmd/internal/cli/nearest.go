package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Nearest is the word of a list that is written most like another: at most a third
// of its letters are wrong, missing, too many, or stand in each other's place. ""
// where none is.
func Nearest(word string, list []string) string {
	best, least := "", max(len([]rune(word))/3, 1)+1
	for _, w := range list {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least && d < len([]rune(w)) {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to change, to add, to leave out and to swap with the
// next one that make a of b (optimal string alignment).
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	var before, last []int // rows of the table, two and one back
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// didYouMean suggests a word; nothing where there is none.
func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return ": did you mean " + word + "?"
}

// UnknownCommand refuses what is no command of c, as Args of one that has commands.
func UnknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return Usage(errors.New("unknown command " + args[0] + didYouMean(Nearest(args[0], names)) + " (" + c.CommandPath() + " --help lists them)"))
}

// unknownFlag tells of a flag that a command doesn't have, with the nearest that it has.
func unknownFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := unknown.GetSpecifiedName()
	if len(name) == 1 {
		return err // a letter is like any other
	}
	near := Nearest(name, names)
	if near != "" {
		near = "--" + near
	}
	return errors.New("unknown flag --" + name + didYouMean(near) + " (" + c.CommandPath() + " --help lists them)")
}
