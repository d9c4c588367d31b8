package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestNearest: a word with a few letters wrong finds its own, another word none.
func TestNearest(t *testing.T) {
	commands := []string{"segment", "features", "classify", "analyze", "sheet", "eval", "info", "convert", "devices", "verify", "bench", "tune", "compile"}
	for word, want := range map[string]string{
		"segmnet": "segment", "segement": "segment", "Segment": "segment", "sgment": "segment", "analyse": "analyze", "clasify": "classify",
		"device": "devices", "ifno": "info", "evla": "eval", "bnech": "bench", "help": "", "xyz": "", "": "", "predict": "", "e": "",
	} {
		if got := Nearest(word, commands); got != want {
			t.Errorf("%q is nearest to %q, want %q", word, got, want)
		}
	}
	for _, pair := range [][2]string{{"", ""}, {"a", "ab"}, {"ab", "ba"}, {"size", "siez"}} {
		want := 1
		if pair[0] == pair[1] {
			want = 0
		}
		if got := distance(pair[0], pair[1]); got != want || got != distance(pair[1], pair[0]) {
			t.Errorf("%q and %q are %d apart, want %d", pair[0], pair[1], got, want)
		}
	}
}

// sampleCommand has flags of each kind.
func sampleCommand() *cobra.Command {
	c := &cobra.Command{Use: "it [flags] PATH...", Example: "it a/   # one", RunE: func(*cobra.Command, []string) error { return nil }}
	s := c.Flags()
	s.String("method", "attention", "`attention|maskcut`: how masks are made: by attention, or otherwise")
	s.StringP("out", "o", "there", "output folder `DIR`")
	s.Int("own", 3, "a flag of this command's own, which has a usage that is so long that it takes a second line")
	s.String("size", "", "`N|WxH`: resize; default: the model's")
	s.String("filter", "own", "resampling; default: the model's own")
	s.Bool("json", false, "print JSON")
	s.Float64("tau", 0, "threshold")
	s.StringSlice("facets", []string{"key", "cls"}, "which")
	return c
}

// TestUsage: flags stand in groups, each with its default once, and no line is too wide.
func TestUsage(t *testing.T) {
	var b strings.Builder
	c := sampleCommand()
	if err := WriteUsage(&b, c, 70); err != nil {
		t.Fatal(err)
	}
	const want = `Usage:
  it [flags] PATH...

Examples:
  it a/   # one

Options:
      --own N                     a flag of this command's own, which
                                  has a usage that is so long that it
                                  takes a second line (default 3)

Read-out:
      --facets WORD,...           which (default key,cls)
      --method attention|maskcut  how masks are made: by attention, or
                                  otherwise (default attention)
      --tau X                     threshold

Images:
      --filter WORD               resampling; default: the model's own
      --size N|WxH                resize; default: the model's

Outputs:
      --json                      print JSON
  -o, --out DIR                   output folder DIR (default there)
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestCompletions: words go on from what was typed, several behind their commas.
func TestCompletions(t *testing.T) {
	for _, x := range []struct {
		begun   string
		several bool
		want    []string
	}{
		{"", false, []string{"mask", "maps", "json"}}, {"ma", false, []string{"mask", "maps"}}, {"x", false, nil},
		{"mask,", true, []string{"mask,maps", "mask,json"}}, {"mask,json,m", true, []string{"mask,json,maps"}}, {"mask,", false, nil},
	} {
		if got, _ := completions([]string{"mask", "maps", "json"}, x.begun, x.several); !slices.Equal(got, x.want) {
			t.Errorf("%q (several %v) goes on as %q, want %q", x.begun, x.several, got, x.want)
		}
	}
}

// TestUnknown: what is written wrong is answered with what is written like it.
func TestUnknown(t *testing.T) {
	c := sampleCommand()
	for flag, want := range map[string]string{
		"--metod=x":  "unknown flag --metod: did you mean --method? (it --help lists them)",
		"--whatever": "unknown flag --whatever (it --help lists them)",
	} {
		if err := FlagError(c, c.ParseFlags([]string{flag})); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", flag, err, want)
		}
	}
	for value, want := range map[string]string{
		"--method=maskcu": `--method is "maskcu", want attention, maskcut or pca: did you mean maskcut?`,
		"--method=yes":    `--method is "yes", want attention, maskcut or pca`,
		"--facets=key,cl": `--facets is "cl", want some of ` + strings.Join(Words()["facets"], ", ") + ": did you mean cls?",
	} {
		c := sampleCommand()
		if err := c.ParseFlags([]string{value}); err != nil {
			t.Fatal(err)
		}
		if err := CheckWords(c); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", value, err, want)
		}
	}
}
