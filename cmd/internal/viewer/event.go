package viewer

import "time"

// Event is what happens to the window.
type Event interface{ event() }

// The events. Click and Scroll happen where the last Move was.
type (
	// Move: the mouse is at that pixel.
	Move struct{ X, Y float64 }
	// Leave: the mouse is outside.
	Leave struct{}
	// Click: a button is pressed.
	Click struct{ Button Button }
	// Key is pressed, or repeats. Name is the character that it writes ("?", "a"), or
	// one of up, down, left, right, pageup, pagedown, escape, f1. Others close the help.
	Key struct {
		Name           string
		Shift, Control bool
	}
	// Scroll: the wheel turned by DY steps, which may be a fraction; positive is up.
	Scroll struct {
		DY             float64
		Shift, Control bool
	}
	// Resize: the framebuffer's size in pixels, 0 when minimised. Scale is pixels of
	// the screen a pixel of text; 0 leaves it as it was.
	Resize struct {
		Width, Height int
		Scale         float64
	}
	// Drop: files or folders were dropped.
	Drop struct{ Paths []string }
	// Tick: the time is now; it moves the film on.
	Tick struct{ Now time.Time }
)

// Button is a button of the mouse.
type Button string

// The buttons that do something.
const (
	Left  Button = "left"
	Right Button = "right"
)

func (Move) event()   {}
func (Leave) event()  {}
func (Click) event()  {}
func (Key) event()    {}
func (Scroll) event() {}
func (Resize) event() {}
func (Drop) event()   {}
func (Tick) event()   {}

// Action is what the program has to do, beyond showing the new state.
type Action interface{ action() }

// The actions.
type (
	// Quit ends the program.
	Quit struct{}
	// SavePicture saves the window as it is shown.
	SavePicture struct{}
	// SaveMask saves the mask.
	SaveMask struct{}
	// Open reads another image of the list, which UI.Image already names;
	// UI.SetPicture then says what it is.
	Open struct{ Image int }
	// Dropped: these paths take the place of the list, by UI.SetImages.
	Dropped struct{ Paths []string }
)

func (Quit) action()        {}
func (SavePicture) action() {}
func (SaveMask) action()    {}
func (Open) action()        {}
func (Dropped) action()     {}
