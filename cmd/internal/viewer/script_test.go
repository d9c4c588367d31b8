package viewer

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScript(t *testing.T) {
	const script = `
# a tour
move 10.5 -3   # comment
patch 3 7
leave
click
click right
scroll -1.5 shift control
key ? shift
key PageUp
resize 640 480
drop a.png "two words.png" "\"#\""
wait
sleep 1.5s
shot out#1.png
mask "m m.png"
quit`
	want := []Step{{3, Move{10.5, -3}}, {4, Patch{3, 7}}, {5, Leave{}}, {6, Click{Left}}, {7, Click{Right}}, {8, Scroll{-1.5, true, true}},
		{9, Key{"?", true, false}}, {10, Key{"PageUp", false, false}}, {11, Resize{Width: 640, Height: 480}},
		{12, Drop{[]string{"a.png", "two words.png", `"#"`}}}, {13, Wait{}}, {14, Sleep{1500 * time.Millisecond}},
		{15, Shot{"out#1.png"}}, {16, MaskFile{"m m.png"}}, {17, Quit{}}}
	got, err := ParseScript(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	for _, b := range bindings() { // as the help writes them
		steps, err := ParseScript(strings.NewReader("key " + b.shown))
		if err != nil || len(steps) != 1 || !slices.Contains(b.keys, steps[0].Command.(Key).Name) {
			t.Errorf("key %s: %v, %v", b.shown, steps, err)
		}
	}
	if len(verbs()) != 13 {
		t.Errorf("the language has %d commands, this test 13", len(verbs()))
	}
}

// The package's comment and the errors have the same usage of every command.
func TestScriptErrors(t *testing.T) {
	for script, want := range map[string]string{
		"\nflip":                 `line 2: unknown command "flip": want one of click, drop,`,
		"move 1":                 "line 1: move: wrong number of words; want: move X Y",
		"move 1 2 3":             "want: move X Y",
		"move NaN 2":             `"NaN" is no number`,
		"move 1 1e99":            `"1e99" is no number`,
		"patch -1 0":             `"-1" is no whole number from 0`,
		"patch 1.5 0":            `"1.5" is no whole number`,
		"click middle":           `"middle" is no button; want: click [left|right]`,
		"scroll up":              `"up" is no number`,
		"scroll 1 alt":           `"alt" is neither shift nor control`,
		"key ä":                  `no key is named "ä"`,
		"resize -1 10":           `"-1" is no whole number from 0`,
		"drop":                   "drop: wrong number of words; want: drop PATH [PATH …]",
		"wait 3":                 "wait: wrong number of words; want: wait",
		"sleep 3":                `"3" is no duration`,
		"sleep -3s":              `"-3s" is no duration`,
		`shot ""`:                "the file has no name",
		"shot a.jpg":             "the file is a PNG: want a name that ends in .png; want: shot FILE",
		"mask photo":             "the file is a PNG: want a name that ends in .png; want: mask FILE",
		`shot "a`:                `a word that begins with " has no end`,
		`shot "a"b`:              `a space is missing after "a"`,
		"wait\n\"\x1b[2J\"":      "line 2: unknown command",
		strings.Repeat("x", 1e5): "line 1: bufio.Scanner: token too long",
	} {
		if _, err := ParseScript(strings.NewReader(script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", script, err, want)
		}
	}
}

// FuzzScript: a script is read or refused; what is read has lines in order, drives a
// window without harm, and refusals name a line in plain characters.
func FuzzScript(f *testing.F) {
	f.Add("move 1 2\npatch 3 4\nclick\nkey f\nscroll 2 shift\nresize 300 200\n")
	f.Add("drop \"a b\" c\nwait\nsleep 1ms\nshot x\nmask y\nquit # end")
	f.Add("key \x1b")
	f.Fuzz(func(t *testing.T, script string) {
		steps, err := ParseScript(strings.NewReader(script))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") || strings.ContainsAny(err.Error(), "\x1b\r\u202e") {
				t.Errorf("%q: %q", script, err)
			}
			return
		}
		u := sample(image2x3(), 3)
		line := 0
		for _, s := range steps {
			if s.Line <= line {
				t.Errorf("%q: line %d follows %d", script, s.Line, line)
			}
			line = s.Line
			if e, ok := s.Command.(Event); ok {
				u.Handle(e)
			}
		}
	})
}
