package viewer

import (
	"fmt"
	"image"
	"math"
	"slices"
	"time"
)

// UI is the state of the window. It belongs to one goroutine.
type UI struct {
	model  Model
	choice Choice

	images  []string // names, as they are shown
	at      int      // the image that is shown
	picture Picture  // what it is; zero until it is read, or when it can't be

	size   image.Point // of the framebuffer
	fonts  *fonts      // of the scale
	mouse  image.Point // the pixel that it is on
	inside bool        // the mouse is in the window
	grid   image.Point // columns and rows of the last picture
	pins   []int       // patches of that grid, at most two
	centre image.Point // pixel of the picture that is in the middle of a pane, at actual size
	wheel  float64     // what is left of wheel steps
	frame  time.Time   // when the film showed its layer
	notice string      // why the last event did nothing
	helpAt int         // the first row of the help that is shown

	layout Layout // of all that
	drawn  drawn  // what the overlay last had
}

// Picture is what is known of an image that was read: its size in pixels, and the grid
// of patches over it. The zero value is an image that isn't there.
type Picture struct {
	Width, Height, Rows, Columns int
	// Resized is the size to which it was resized for the model, and Seen the part of
	// that, at the left and top, that whole patches cover. Zero: they cover all of it.
	Resized, Seen image.Point
}

func (p Picture) empty() bool { return p.Width <= 0 || p.Height <= 0 || p.Rows <= 0 || p.Columns <= 0 }

// The window before its first Resize.
const startWidth, startHeight = 1100, 720

// New is a window that shows the first image, which the program opens unasked. Images
// are names for the status line. What c has beyond the model's bounds is brought
// inside.
func New(m Model, images []string, c Choice) *UI {
	u := &UI{model: m, choice: c.within(&m), images: slices.Clone(images), size: image.Pt(startWidth, startHeight), fonts: newFonts(1)}
	u.place()
	return u
}

// Choice is what the user has chosen.
func (u *UI) Choice() Choice { return u.choice }

// Image is the index of the image that is shown; 0 where there is none.
func (u *UI) Image() int { return u.at }

// Images is how many images the list has.
func (u *UI) Images() int { return len(u.images) }

// Pins are the pinned patches, none to two: A and B.
func (u *UI) Pins() []int { return slices.Clone(u.pins) }

// Hover is the patch under the mouse, in whichever pane.
func (u *UI) Hover() (patch int, ok bool) {
	if !u.inside || u.choice.Help {
		return 0, false
	}
	return u.patch(u.mouse)
}

// Size is the framebuffer's size in pixels.
func (u *UI) Size() image.Point { return u.size }

// Layout is where everything stands. It changes with events; its slices are not to be
// written to.
func (u *UI) Layout() Layout { return u.layout }

// SetImages replaces the list and shows its image at; the picture is gone until
// SetPicture.
func (u *UI) SetImages(names []string, at int) {
	u.images = slices.Clone(names)
	u.at = min(max(at, 0), max(len(names)-1, 0))
	u.SetPicture(Picture{})
}

// SetPicture says what the image is that was read; the zero value that it could not
// be. Pins stay where the grid is the same, so that images can be compared at a place.
func (u *UI) SetPicture(p Picture) {
	if p.empty() {
		p = Picture{}
	} else {
		if grid := image.Pt(p.Columns, p.Rows); grid != u.grid {
			u.grid, u.pins = grid, nil
		}
		if p != u.picture {
			u.centre = image.Pt(p.Width/2, p.Height/2)
		}
	}
	u.picture = p
	u.place()
}

// SetChoice replaces what is chosen, as a flag or a test would.
func (u *UI) SetChoice(c Choice) {
	u.choice = c.within(&u.model)
	u.place()
}

// Notice shows a line until the next key or click: where a file was saved, or why not.
func (u *UI) Notice(text string) { u.notice = text }

// Said is that line; empty where there is none.
func (u *UI) Said() string { return u.notice }

// Handle changes the state by an event, and says what is to be done.
func (u *UI) Handle(e Event) []Action {
	var do []Action
	switch e := e.(type) {
	case Move:
		u.mouse, u.inside = image.Pt(pixel(e.X), pixel(e.Y)), true
	case Leave:
		u.inside = false
	case Click:
		u.notice = ""
		u.click(e.Button)
	case Key:
		do = u.key(e)
	case Scroll:
		u.scroll(e)
	case Resize:
		u.resize(e)
	case Drop:
		if len(e.Paths) > 0 {
			do = []Action{Dropped{slices.Clone(e.Paths)}}
		}
	case Tick:
		u.tick(e.Now)
	}
	u.place()
	return do
}

// pixel is the pixel that a position is on; positions may be anything.
func pixel(x float64) int {
	if !(math.Abs(x) < 1<<20) {
		return -1
	}
	return int(math.Floor(x))
}

// maxSide bounds the framebuffer: no display is larger, and overlays have memory.
const maxSide = 1 << 14

func (u *UI) resize(e Resize) {
	u.size = image.Pt(min(max(e.Width, 0), maxSide), min(max(e.Height, 0), maxSide))
	if e.Scale > 0 {
		if scale := min(max(e.Scale, 0.5), 8); scale != u.fonts.scale {
			u.fonts = newFonts(scale)
		}
	}
}

func (u *UI) click(b Button) {
	if u.choice.Help {
		u.choice.Help = false
		return
	}
	for _, t := range u.layout.Tiles {
		if b == Left && u.inside && u.mouse.In(t.Frame) {
			u.pickHead(t.Head)
			return
		}
	}
	patch, ok := u.Hover()
	switch {
	case !ok:
	case b == Left:
		u.pin(patch)
	case b == Right && u.choice.Actual:
		pane := u.layout.under(u.mouse)
		u.centre = u.mouse.Sub(pane.Picture.Min)
	}
}

// pickHead chooses a head; the one that is chosen already goes back to the mean.
func (u *UI) pickHead(head int) {
	if u.choice.Head == head {
		head = MeanHead
	}
	u.choice.Head = head
}

// pin pins a patch, as A, then B; a third takes B's place, and a pinned one is freed.
func (u *UI) pin(patch int) {
	if i := slices.Index(u.pins, patch); i >= 0 {
		u.pins = slices.Delete(u.pins, i, i+1)
		return
	}
	u.pins = append(u.pins[:min(len(u.pins), 1)], patch)
}

func (u *UI) scroll(e Scroll) {
	if math.IsNaN(e.DY) {
		return
	}
	u.wheel += min(max(e.DY, -1000), 1000)
	steps := int(u.wheel)
	u.wheel -= float64(steps)
	switch {
	case steps == 0:
	case e.Control:
		u.keep(step * steps)
	case e.Shift:
		u.moveHead(steps)
	default:
		u.moveLayer(steps)
	}
}

func (u *UI) moveLayer(by int) {
	u.choice.Film = false
	u.choice.Layer += by
	u.choice = u.choice.within(&u.model)
}

func (u *UI) moveHead(by int) {
	u.choice.Head += by
	u.choice = u.choice.within(&u.model)
}

// moveImage goes around the list.
func (u *UI) moveImage(by int) []Action {
	if len(u.images) < 2 {
		u.notice = "there is no other image: open a folder, or drop images here"
		return nil
	}
	u.at = ((u.at+by)%len(u.images) + len(u.images)) % len(u.images)
	return []Action{Open{u.at}}
}

func (u *UI) show(s Show) {
	if s == ShowClass && u.model.NoClass != "" {
		u.notice = "no map of the class token: " + u.model.NoClass
		return
	}
	u.choice.Show = s
}

func (u *UI) method(m Method) {
	if m == MethodAttention && u.model.NoClass != "" {
		u.notice = "no mask of the attention: " + u.model.NoClass
		return
	}
	u.choice.Method = m
}

// tick shows the film's next layer when its time has come. A window that is too slow
// for the rate shows every layer later, and leaves none out.
func (u *UI) tick(now time.Time) {
	switch wait, playing := u.Wake(now); {
	case !playing:
		u.frame = time.Time{}
	case u.frame.IsZero():
		u.frame = now
	case wait <= 0:
		u.choice.Layer = (u.choice.Layer + 1) % u.model.Layers
		u.frame = now
	}
}

// Wake is how long a Tick may wait to be on time for the film, and whether it plays.
func (u *UI) Wake(now time.Time) (wait time.Duration, playing bool) {
	if !u.choice.Film || u.model.Layers < 2 {
		return 0, false
	}
	if u.frame.IsZero() {
		return 0, true
	}
	return max(u.frame.Add(time.Second/time.Duration(u.choice.Rate)).Sub(now), 0), true
}

// At moves the mouse to the middle of a patch of the first pane; the error names what
// the grid has.
func (u *UI) At(row, column int) (Move, error) {
	p := u.picture
	if p.empty() {
		return Move{}, fmt.Errorf("patch %d %d: no image is shown", row, column)
	}
	if row < 0 || row >= p.Rows || column < 0 || column >= p.Columns {
		return Move{}, fmt.Errorf("patch %d %d: the grid has rows 0 … %d and columns 0 … %d", row, column, p.Rows-1, p.Columns-1)
	}
	at, ok := u.middle(&u.layout.Panes[0], row*p.Columns+column)
	if !ok {
		return Move{}, fmt.Errorf("patch %d %d: it is not to be seen in a window of %d × %d pixels", row, column, u.size.X, u.size.Y)
	}
	return Move{X: float64(at.X) + 0.5, Y: float64(at.Y) + 0.5}, nil
}
