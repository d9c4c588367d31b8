package viewer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// Step is a command of a script and the line that it stands on.
type Step struct {
	Line    int
	Command Command
}

// Command is what a step does: an Event, or one of the commands below.
type Command interface{ command() }

// The commands that are no events.
type (
	// Patch moves the mouse to the middle of a patch, by UI.At.
	Patch struct{ Row, Column int }
	// Wait waits until nothing is left to compute and the frame is shown.
	Wait struct{}
	// Sleep waits that long.
	Sleep struct{ Duration time.Duration }
	// Shot writes the window as it is shown.
	Shot struct{ File string }
	// MaskFile writes the mask.
	MaskFile struct{ File string }
)

func (Move) command()     {}
func (Leave) command()    {}
func (Click) command()    {}
func (Key) command()      {}
func (Scroll) command()   {}
func (Resize) command()   {}
func (Drop) command()     {}
func (Patch) command()    {}
func (Wait) command()     {}
func (Sleep) command()    {}
func (Shot) command()     {}
func (MaskFile) command() {}
func (Quit) command()     {}

// verb is a row of the language: how a command is written, and how it is read.
type verb struct {
	usage       string
	least, most int // arguments
	read        func(args []string) (Command, error)
}

// many is the number of arguments of a verb that takes any number.
const many = math.MaxInt

func verbs() map[string]verb {
	alone := func(c Command) verb {
		return verb{read: func([]string) (Command, error) { return c, nil }}
	}
	file := func(to func(string) Command) verb {
		return verb{"FILE", 1, 1, func(a []string) (Command, error) {
			if a[0] == "" {
				return nil, errors.New("the file has no name")
			}
			if !strings.EqualFold(filepath.Ext(a[0]), ".png") {
				return nil, errors.New("the file is a PNG: want a name that ends in .png")
			}
			return to(a[0]), nil
		}}
	}
	return map[string]verb{
		"move":   {"X Y", 2, 2, readMove},
		"patch":  {"ROW COLUMN", 2, 2, readPatch},
		"leave":  alone(Leave{}),
		"click":  {"[left|right]", 0, 1, readClick},
		"scroll": {"DY [shift] [control]", 1, 3, readScroll},
		"key":    {"NAME [shift] [control]", 1, 3, readKey},
		"resize": {"WIDTH HEIGHT", 2, 2, readResize},
		"drop":   {"PATH [PATH …]", 1, many, func(a []string) (Command, error) { return Drop{slices.Clone(a)}, nil }},
		"wait":   alone(Wait{}),
		"sleep":  {"DURATION", 1, 1, readSleep},
		"shot":   file(func(name string) Command { return Shot{name} }),
		"mask":   file(func(name string) Command { return MaskFile{name} }),
		"quit":   alone(Quit{}),
	}
}

// maxSteps bounds a script.
const maxSteps = 100_000

// ParseScript reads a script in the language that the package's comment describes.
// Errors begin with the line ("line 3: …").
func ParseScript(r io.Reader) ([]Step, error) {
	var steps []Step
	known := verbs()
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		words, err := split(lines.Text())
		if err != nil {
			return nil, refused(n, err)
		}
		if len(words) == 0 {
			continue
		}
		c, err := readCommand(known, words)
		if err != nil {
			return nil, refused(n, err)
		}
		if len(steps) == maxSteps {
			return nil, fmt.Errorf("line %d: a script has at most %d commands", n, maxSteps)
		}
		steps = append(steps, Step{n, c})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return steps, nil
}

// refused is an error with its line. It quotes the script, which may have any character.
func refused(line int, err error) error {
	return fmt.Errorf("line %d: %s", line, quote.Line(err.Error()))
}

func readCommand(known map[string]verb, words []string) (Command, error) {
	name, args := words[0], words[1:]
	v, ok := known[name]
	if !ok {
		names := make([]string, 0, len(known))
		for k := range known {
			names = append(names, k)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("unknown command %s: want one of %s", strconv.Quote(name), strings.Join(names, ", "))
	}
	var c Command
	err := errors.New("wrong number of words")
	if len(args) >= v.least && len(args) <= v.most {
		c, err = v.read(args)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; want: %s", name, err, strings.TrimSpace(name+" "+v.usage))
	}
	return c, nil
}

// split divides a line into words. A word that begins with a double quote is a Go
// string; a # that begins a word ends the line.
func split(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t\r")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, line[:end]), line[end:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, errors.New(`a word that begins with " has no end, or a wrong escape`)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%s is no Go string", quoted)
		}
		if line = line[len(quoted):]; line != "" && !strings.ContainsRune(" \t\r", rune(line[0])) {
			return nil, fmt.Errorf("a space is missing after %s", quoted)
		}
		words = append(words, word)
	}
}

func readMove(a []string) (Command, error) {
	x, errX := number(a[0])
	y, errY := number(a[1])
	return Move{x, y}, errors.Join(errX, errY)
}

func readPatch(a []string) (Command, error) {
	row, errRow := whole(a[0], 0)
	column, errColumn := whole(a[1], 0)
	return Patch{row, column}, errors.Join(errRow, errColumn)
}

func readClick(a []string) (Command, error) {
	if len(a) == 0 {
		return Click{Left}, nil
	}
	b := Button(a[0])
	if b != Left && b != Right {
		return nil, fmt.Errorf("%q is no button", a[0])
	}
	return Click{b}, nil
}

func readScroll(a []string) (Command, error) {
	dy, err := number(a[0])
	if err != nil {
		return nil, err
	}
	shift, control, err := modifiers(a[1:])
	return Scroll{dy, shift, control}, err
}

func readKey(a []string) (Command, error) {
	name := a[0]
	if _, ok := table[strings.ToLower(name)]; !ok {
		at := slices.IndexFunc(bindings(), func(b binding) bool { return b.shown == strings.ToLower(name) })
		if at < 0 {
			return nil, fmt.Errorf("no key is named %q (\"key ?\" shows them)", name)
		}
		name = bindings()[at].keys[0] // as the help writes it
	}
	shift, control, err := modifiers(a[1:])
	return Key{name, shift, control}, err
}

func readResize(a []string) (Command, error) {
	w, errW := whole(a[0], 0)
	h, errH := whole(a[1], 0)
	return Resize{Width: w, Height: h}, errors.Join(errW, errH)
}

func readSleep(a []string) (Command, error) {
	d, err := time.ParseDuration(a[0])
	if err != nil || d < 0 {
		return nil, fmt.Errorf("%q is no duration", a[0])
	}
	return Sleep{d}, nil
}

func modifiers(words []string) (shift, control bool, err error) {
	for _, w := range words {
		switch w {
		case "shift":
			shift = true
		case "control":
			control = true
		default:
			return false, false, fmt.Errorf("%q is neither shift nor control", w)
		}
	}
	return shift, control, nil
}

func number(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(x) <= maxSide) {
		return 0, fmt.Errorf("%q is no number from −%d to %d", text, maxSide, maxSide)
	}
	return x, nil
}

func whole(text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > maxSide {
		return 0, fmt.Errorf("%q is no whole number from %d to %d", text, least, maxSide)
	}
	return n, nil
}
