package coco

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// These read a value whatever it is, and tell whether it is what is wanted. An error
// says that the text isn't JSON. Python's NaN and Infinity are values that aren't
// wanted, and no error.

// value reads a number, or a string, and returns its text; else all is skipped.
func (s *scanner) value() (text string, ok bool, err error) {
	switch c := s.space(); {
	case c == '"':
		err = s.readString()
	case c == '-' || isDigit(c):
		err = s.readNumber()
	default:
		return "", false, s.skip()
	}
	return strings.TrimSpace(string(s.text)), err == nil, err
}

// real reads a finite number, or a string that holds one.
func (s *scanner) real() (v float64, ok bool, err error) {
	text, ok, err := s.value()
	if !ok {
		return 0, false, err
	}
	v, e := strconv.ParseFloat(text, 64)
	return v, e == nil && !math.IsNaN(v) && !math.IsInf(v, 0), nil
}

// whole reads a whole number of 0 to limit.
func (s *scanner) whole(limit int) (v int, ok bool, err error) {
	x, ok, err := s.real()
	if !ok || x != math.Trunc(x) || x < 0 || x > float64(limit) {
		return 0, false, err
	}
	return int(x), true, err
}

// id reads what entries are told by: a whole number, or any text. Text that is no number
// of 64 bits becomes a negative one, made of its hash, so that it is the same in two
// files; 12, 12.0 and "12" are one id.
func (s *scanner) id() (id int64, ok bool, err error) {
	isText := s.space() == '"'
	text, ok, err := s.value()
	if !ok || text == "" {
		return 0, false, err
	}
	if v, e := strconv.ParseInt(text, 10, 64); e == nil {
		return v, true, nil
	}
	if v, e := strconv.ParseFloat(text, 64); e == nil && !isText {
		if v != math.Trunc(v) || math.IsInf(v, 0) {
			return 0, false, nil
		}
		if math.Abs(v) <= 1<<53 {
			return int64(v), true, nil
		}
	}
	sum := sha256.Sum256([]byte(text))
	return int64(binary.LittleEndian.Uint64(sum[:]) | 1<<63), true, nil
}

// null skips null, and reports that it stood there.
func (s *scanner) null() (bool, error) {
	if s.space() != 'n' {
		return false, nil
	}
	return true, s.literal("null")
}

// reals reads an array of numbers; bad says in words what isn't one.
func (s *scanner) reals() (list []float64, bad string, err error) {
	err = s.array(func(i int) error {
		v, ok, err := s.real()
		if !ok && bad == "" {
			bad = fmt.Sprintf("number %d is none", i)
		}
		list = append(list, v)
		return err
	})
	return list, bad, err
}
