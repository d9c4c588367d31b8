package inputs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// maxLine is the length in bytes up to which a line of a list is read.
const maxLine = 1 << 16

// Lines reads one path a line, as --files-from does, and hands each over as it
// comes; errors don't name the list. An empty line is passed over, and so is a byte order mark at the start.
// With null a path ends with a zero byte instead, as find -print0 writes them: it may have line breaks.
func Lines(ctx context.Context, r io.Reader, null bool, take func(path string) bool) error {
	s := bufio.NewScanner(regular.Reader(ctx, r))
	s.Buffer(make([]byte, 4096), maxLine)
	if null {
		s.Split(nullEnded)
	}
	number := 0
	for s.Scan() {
		line := s.Bytes()
		if number++; number == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				return errors.New("the list is UTF-16, want UTF-8")
			}
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return fmt.Errorf("line %d has a zero byte, want one path a line (--null reads paths that end with one)", number)
		}
		if len(line) > 0 && !take(string(line)) {
			return nil
		}
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d has more than %d bytes, want one path a line", number+1, maxLine)
	} else if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	return nil
}

// nullEnded splits at zero bytes, as bufio.ScanLines does at line breaks.
func nullEnded(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
