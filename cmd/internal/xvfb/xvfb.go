// Package xvfb runs an X server without a screen for tests, and reads what its screen would
// show.
package xvfb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Server is an X server with one screen of 24 bits a pixel.
type Server struct {
	Display string // for DISPLAY
	dir     string
	cmd     *exec.Cmd
}

// ErrMissing says that the program Xvfb isn't there.
var ErrMissing = errors.New("the program Xvfb is not installed (on Debian: apt-get install xvfb)")

// Start starts a server on a display that is free.
func Start(width, height int) (*Server, error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "xvfb")
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-fbdir", dir, "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{write}
	err = cmd.Start()
	write.Close()
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	s := &Server{dir: dir, cmd: cmd}
	read.SetReadDeadline(time.Now().Add(20 * time.Second))
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("the program Xvfb did not start: %w", err)
	}
	s.Display = ":" + strings.TrimSpace(number)
	return s, nil
}

// Stop ends the server.
func (s *Server) Stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	os.RemoveAll(s.dir)
}

// Screen is what the screen shows, from the file in the X window dump format that the server
// keeps it in.
func (s *Server) Screen() (*image.RGBA, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, "Xvfb_screen0"))
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// decode reads an X window dump, version 7: 25 words of the highest byte first, the window's
// name, a table of colours, then the pixels, here of 32 bits with blue lowest.
func decode(data []byte) (*image.RGBA, error) {
	const words = 25
	if len(data) < 4*words {
		return nil, fmt.Errorf("a window dump of %d bytes", len(data))
	}
	var h [words]int
	for i := range h {
		h[i] = int(binary.BigEndian.Uint32(data[4*i:]))
	}
	header, version, width, height, bits, pitch, colours := h[0], h[1], h[4], h[5], h[11], h[12], h[19]
	at := header + 12*colours
	if version != 7 || bits != 32 || width < 1 || height < 1 || pitch < 4*width || at < 0 || at+pitch*height > len(data) {
		return nil, fmt.Errorf("a window dump of version %d, %d × %d pixels of %d bits in %d bytes", version, width, height, bits, len(data))
	}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p := data[at+y*pitch+4*x:]
			copy(m.Pix[y*m.Stride+4*x:], []byte{p[2], p[1], p[0], 255})
		}
	}
	return m, nil
}
