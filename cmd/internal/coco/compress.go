package coco

import "fmt"

// A compressed string is the counts, the fourth and later ones as the difference
// to the count before the last (runs of one kind resemble each other), as signed
// numbers of 5 bits a character, lowest first: character 48 + the bits + 32 if more
// follow. The sign is the highest bit of the last group.
const (
	firstChar   = '0'
	moreFollow  = 1 << 5
	groupBits   = 5
	groupSign   = 1 << (groupBits - 1)
	maxGroups   = 7 // 35 bits hold the difference of any two counts
	deltaOffset = 3 // the first count that is a difference
)

// Compressed returns the string that COCO's tools call compressed RLE.
func (m RLE) Compressed() string {
	s := make([]byte, 0, 2*len(m.Counts))
	for i, c := range m.Counts {
		v := int64(c)
		if i >= deltaOffset {
			v -= int64(m.Counts[i-2])
		}
		for {
			group := v & (1<<groupBits - 1)
			v >>= groupBits
			if done := v == 0 && group&groupSign == 0 || v == -1 && group&groupSign != 0; done {
				s = append(s, byte(firstChar+group))
				break
			}
			s = append(s, byte(firstChar+(group|moreFollow)))
		}
	}
	return string(s)
}

// ParseCompressed reads a compressed string. Counts that don't add up to
// height·width, a character outside the alphabet and a string that breaks off are
// *FormatErrors.
func ParseCompressed(height, width int, s string) (RLE, error) {
	if err := checkSize(height, width); err != nil {
		return RLE{}, at("size", err)
	}
	b := newRuns(height, width)
	var before [2]int64 // the last two counts
	pos := 0
	for i := 0; pos < len(s); i++ {
		v, n, err := parseNumber(s[pos:])
		if err == nil {
			if i >= deltaOffset {
				v += before[0]
			}
			err = b.add(v, i%2 == 1)
		}
		if err != nil {
			return RLE{}, at("counts", at(fmt.Sprintf("[%d] (character %d)", i, pos), err))
		}
		before = [2]int64{before[1], v}
		pos += n
	}
	m, err := b.rle()
	return m, at("counts", err)
}

// parseNumber reads the number that s starts with, and returns its length.
func parseNumber(s string) (v int64, n int, err error) {
	for n < len(s) {
		c := s[n]
		if c < firstChar || c >= firstChar+2*moreFollow {
			return 0, 0, malformed("the character is %q, want '0' to 'o'", c)
		}
		group := int64(c - firstChar)
		v |= group & (1<<groupBits - 1) << (groupBits * n)
		n++
		if group&moreFollow == 0 {
			if group&groupSign != 0 {
				v -= 1 << (groupBits * n)
			}
			return v, n, nil
		}
		if n == maxGroups {
			return 0, 0, malformed("the number goes on after %d characters, want at most %d", n, maxGroups)
		}
	}
	return 0, 0, malformed("the string ends inside a number")
}
