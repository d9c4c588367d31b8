package eval

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is rows of cells, the first of which names the columns. The first column
// stands left, numbers stand right.
type table [][]string

// write writes the table, without trailing spaces.
func (t table) write(w io.Writer) error {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	out := bufio.NewWriter(w)
	for _, row := range t {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
	return out.Flush()
}

// percent prints a score, – for none.
func percent(v float64) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", 100*v)
}

// fraction prints a score from 0 to 1, – for none.
func fraction(v float64) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf("%.4f", v)
}
