//go:build !unix

package pth

import "time"

// started is when the tests began.
var started = time.Now()

// processor stands for the time that the process has had on the cores: here it
// is the time that has passed, which is more.
func processor() time.Duration { return time.Since(started) }
