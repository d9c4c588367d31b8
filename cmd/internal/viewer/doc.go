// Package viewer is the window of crate-vk-view without a window: it holds what the
// user has chosen, turns events into changes, lays the window out, draws text and
// marks, and reads scripts. It knows neither display nor device, so that all of it
// is tested without either.
//
// # Who does what
//
// The program feeds events to [UI.Handle] and does the actions that come back. Then
// it reads [UI.Choice] and [UI.Layout], computes the map that each [Pane] wants, has
// the device compose photograph, map and mask inside each [Pane.Visible] over
// [Background], and lays over that what [UI.Overlay] drew. Positions and rectangles
// are in pixels of the framebuffer, with 0, 0 at the top left corner.
//
// # Scripts
//
// A script is text, one command a line. Blank lines, and what follows a # that begins
// a word, are skipped. A word with spaces stands in double quotes, with Go's escapes.
//
//	move X Y                           the mouse moves to a pixel
//	patch ROW COLUMN                   the mouse moves to the middle of a patch of the first pane
//	leave                              the mouse leaves the window
//	click [left|right]                 where the mouse is
//	scroll DY [shift] [control]        the wheel; positive is up
//	key NAME [shift] [control]         as ? lists them: a character, or up, pageup, escape …
//	resize WIDTH HEIGHT                the framebuffer's size; 0 0 is a window that is minimised
//	drop PATH [PATH …]                 files or folders are dropped on the window
//	wait                               until nothing is left to compute and the frame is shown
//	sleep DURATION                     such as 200ms or 1.5s
//	shot FILE                          writes the window as it is shown, a PNG
//	mask FILE                          writes the mask, a PNG
//	quit                               ends the program
package viewer
